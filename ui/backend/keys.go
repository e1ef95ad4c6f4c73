package backend

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
	"lockbox/proxy/token"
	"lockbox/vault"
)

//go:embed starter.json
var starter []byte

// signingKeyRef is where the keychain holds the key that signs service tokens.
var signingKeyRef = secret.KeychainRef("lockbox", "signing_key")

// SigningKey finds the key that signs service tokens, and says where: in the
// file that was named, else the signing_key file beside the config, else in the
// vault. It makes none. errors.Is tells secret.ErrNotFound.
func SigningKey(ctx context.Context, o Options) (key secret.Value, source string, err error) {
	if path := o.keyFile(); path != "" {
		return readKeyFile(path)
	}
	s, err := o.openVault(ctx, false)
	if err != nil {
		return secret.Value{}, "", err
	}
	key, err = vault.Resolve(ctx, s, signingKeyRef)
	return key, s.Name(), err
}

// keyFile is the file that has the signing key; "" where that is in the vault.
func (o Options) keyFile() string {
	if o.SigningKeyFile != "" {
		return o.SigningKeyFile
	}
	path := signingKeyPath(o)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return path
}

func readKeyFile(path string) (key secret.Value, source string, err error) {
	text, err := os.ReadFile(path) //nolint:gosec // the person's own choice of file
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return secret.Value{}, path, fmt.Errorf("the signing key file %s does not exist: name the right one with --signing-key-file or LOCKBOX_SIGNING_KEY_FILE: %w", path, secret.ErrNotFound)
	case err != nil:
		return secret.Value{}, path, fmt.Errorf("the signing key file cannot be read: %w", err)
	case len(text) == 0:
		return secret.Value{}, path, fmt.Errorf("the signing key file %s is empty: %w", path, secret.ErrNotFound)
	}
	return secret.New(string(text)), path, nil
}

func signingKeyPath(o Options) string {
	return filepath.Join(filepath.Dir(o.ConfigPath), "signing_key")
}

// signingKeys is what the proxy checks tokens with. Where there is no key yet it
// makes one: in the vault, or in a file where there is no keychain and no vault
// file is asked for, so that a first start takes no question.
func (b *Backend) signingKeys(ctx context.Context) (token.Keys, error) {
	changes := b.tokens.KeyChanges()
	key, source, err := b.signingKey(ctx)
	if first := b.server.Config() == nil; first && source == signingKeyPath(b.opts) && b.opts.SigningKeyFile == "" {
		b.opts.Logger.Warn("the signing key lies in a plain file: whoever reads it can make tokens. A vault keeps it better: put \"vault\": {\"type\": \"file\", \"path\": \"vault.age\"} into the config; a new key is made in there when the file is gone, and tokens made with this one end then", "file", source)
	}
	b.mu.Lock()
	b.status.keySource = source
	b.keysSeen = changes
	b.mu.Unlock()
	if err != nil {
		return token.Keys{}, err
	}
	b.signAudit(ctx)
	keys, err := keyRing{b.opts.keyFile(), b.coming()}.read(ctx, time.Now())
	if err != nil && keys.Current.Equal(key) && !errors.Is(err, secret.ErrLocked) && !errors.Is(err, secret.ErrUnavailable) {
		b.opts.Logger.Warn("tokens made with former signing keys are refused", "why", err)
		err = nil
	}
	return keys, err
}

func (b *Backend) signingKey(ctx context.Context) (key secret.Value, source string, err error) {
	if path := b.opts.keyFile(); path != "" {
		return readKeyFile(path)
	}
	s := b.coming()
	if err := b.hung(); err != nil {
		return secret.Value{}, s.Name(), err
	}
	key, err = vault.Resolve(ctx, s, signingKeyRef)
	err = b.found.note(s, signingKeyRef, err)
	switch {
	case err == nil:
		return key, s.Name(), nil
	case errors.As(err, new(gone)):
		// A new one would end all tokens that are out: not without a person.
		return key, s.Name(), fmt.Errorf("%w; or start Lockbox anew, which makes a new one and so ends all tokens (%w)", err, secret.ErrUnavailable)
	}
	return b.makeSigningKey(ctx, s, err)
}

func (b *Backend) makeSigningKey(ctx context.Context, s vault.Store, cause error) (secret.Value, string, error) {
	key := token.NewKey()
	if errors.Is(cause, secret.ErrNotFound) {
		if err := s.Set(ctx, signingKeyRef.Service, signingKeyRef.Field, key); err != nil {
			return secret.Value{}, s.Name(), err
		}
		_ = b.found.note(s, signingKeyRef, nil)
		b.opts.Logger.Info("made a signing key", "kept in", s.Name())
		return key, s.Name(), nil
	}
	// A locked keychain may hold the key: a second one in a file would win over
	// it and make every token that is out worthless.
	state := s.Status(ctx).State
	none := state == vault.NoBus || state == vault.NoService || state == vault.Missing && !b.opts.Desktop
	if _, file := s.(*vault.File); file || !none {
		return secret.Value{}, s.Name(), cause
	}
	path := signingKeyPath(b.opts)
	if err := config.WriteFile(path, []byte(key.Reveal())); err != nil {
		return secret.Value{}, path, fmt.Errorf("the signing key cannot be kept: %w", err)
	}
	b.opts.Logger.Info("made a signing key; there is no keychain here, so it is kept in a file", "file", path)
	return key, path, nil
}

// hung is the error of a keychain that did not answer when it was last asked how
// it is: a load must not wait for it once more, and for each key.
func (b *Backend) hung() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.status.keychain.State != vault.Unanswering {
		return nil
	}
	return &vault.Error{State: vault.Unanswering}
}

// loadSecret is secret for a load of the config. A secret that was there before
// is said to be gone.
func (b *Backend) loadSecret(ctx context.Context, ref secret.Ref) (secret.Value, error) {
	s := b.coming()
	if err := b.hung(); err != nil && ref.Scheme == secret.Keychain {
		return secret.Value{}, err
	}
	v, err := vault.Resolve(ctx, s, ref)
	return v, b.found.note(s, ref, err)
}

// secret reads what a reference of the config points at.
func (b *Backend) secret(ctx context.Context, ref secret.Ref) (secret.Value, error) {
	return vault.Resolve(ctx, b.store(), ref)
}

// storeSecret saves a secret that was replaced while it was in use: a refresh
// token. One that the config no longer has is not saved: it was deleted, and
// would come back.
func (b *Backend) storeSecret(ctx context.Context, ref secret.Ref, value secret.Value) error {
	b.edit.Lock() // a save that is undone would put the old one back
	defer b.edit.Unlock()
	if cfg := b.server.Config(); cfg == nil || !refers(cfg, ref) {
		return fmt.Errorf("the config has no %s any more: %w", ref, secret.ErrNotFound)
	}
	switch ref.Scheme {
	case secret.Keychain:
		c := change{what: "keeping a new " + ref.String()}
		c.set(ref, value)
		return b.changes.make(ctx, c, nil)
	case secret.File:
		return vault.WriteFile(ref, value)
	}
	return fmt.Errorf("%s is not a place that Lockbox can write to", ref)
}

func refers(cfg *config.Config, ref secret.Ref) bool {
	for _, svc := range cfg.Services {
		for _, s := range svc.Credential.Sources() {
			if s.Ref == ref {
				return true
			}
		}
	}
	return false
}

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

const inKeychain = "keychain"

// SigningKey finds the key that signs service tokens, and says where: in the
// file that was named, else the signing_key file beside the config, else in the
// keychain. It makes none. errors.Is tells secret.ErrNotFound.
func SigningKey(ctx context.Context, o Options) (key secret.Value, source string, err error) {
	path := o.SigningKeyFile
	if path == "" {
		path = signingKeyPath(o)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			key, err := vault.Resolve(ctx, vault.NewKeychain(), signingKeyRef)
			return key, inKeychain, err
		}
	}
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
// makes one: in the keychain, or in a file where there is no keychain.
func (b *Backend) signingKeys(ctx context.Context) (token.Keys, error) {
	if err := b.hung(); err != nil && b.keyIsInKeychain() {
		return token.Keys{}, err
	}
	key, source, err := SigningKey(ctx, b.opts)
	if b.opts.SigningKeyFile == "" && source == inKeychain && err != nil {
		key, source, err = b.makeSigningKey(ctx, err)
	}
	b.mu.Lock()
	b.status.keySource = source
	b.mu.Unlock()
	return token.Keys{Current: key}, err
}

func (b *Backend) makeSigningKey(ctx context.Context, cause error) (secret.Value, string, error) {
	key := token.NewKey()
	if errors.Is(cause, secret.ErrNotFound) {
		if err := b.store().Set(ctx, signingKeyRef.Service, signingKeyRef.Field, key); err != nil {
			return secret.Value{}, inKeychain, err
		}
		b.opts.Logger.Info("made a signing key", "kept in", inKeychain)
		return key, inKeychain, nil
	}
	// A locked keychain may hold the key: a second one in a file would win over
	// it and make every token that is out worthless.
	state := b.store().Status(ctx).State
	none := state == vault.NoBus || state == vault.NoService || state == vault.Missing && !b.opts.Desktop
	if !none {
		return secret.Value{}, inKeychain, cause
	}
	path := signingKeyPath(b.opts)
	if err := config.WriteFile(path, []byte(key.Reveal())); err != nil {
		return secret.Value{}, path, fmt.Errorf("the signing key cannot be kept: %w", err)
	}
	b.opts.Logger.Info("made a signing key; there is no keychain here, so it is kept in a file", "file", path)
	return key, path, nil
}

func (b *Backend) keyIsInKeychain() bool {
	_, err := os.Stat(signingKeyPath(b.opts))
	return b.opts.SigningKeyFile == "" && errors.Is(err, fs.ErrNotExist)
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

// loadSecret is secret for a load of the config.
func (b *Backend) loadSecret(ctx context.Context, ref secret.Ref) (secret.Value, error) {
	if err := b.hung(); err != nil && ref.Scheme == secret.Keychain {
		return secret.Value{}, err
	}
	return b.secret(ctx, ref)
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

// Token is a service token with what it was made for.
type Token struct {
	Value    secret.Value
	Service  string
	Audience string
	Expires  time.Time
}

// MakeToken signs a service token. An empty audience and a lifetime of 0 take
// the defaults; the default audience gives way to the first that the service
// allows.
func (b *Backend) MakeToken(ctx context.Context, service, audience string, lifetime time.Duration) (Token, error) {
	cfg := b.server.Config()
	if cfg == nil || cfg.Services[service] == nil {
		return Token{}, fmt.Errorf("there is no service %q", service)
	}
	defaults := b.View().Token
	if lifetime == 0 {
		lifetime = defaults.Lifetime
	}
	if audience == "" {
		switch allowed := cfg.Services[service].ValidAudiences; {
		case allowed == nil:
			audience = defaults.Audience
		case len(allowed) == 0:
			return Token{}, fmt.Errorf("%s accepts no audience, so no token would open it: allow one in the service's form", service)
		default:
			audience = allowed[0]
			for _, a := range allowed {
				if a == defaults.Audience {
					audience = a
				}
			}
		}
	}
	key := b.server.Keys().Current
	if key.IsZero() {
		if _, err := b.server.Reload(ctx); err != nil {
			return Token{}, err
		}
		if key = b.server.Keys().Current; key.IsZero() {
			return Token{}, fmt.Errorf("no token can be made: %s", b.server.Report().KeyProblem)
		}
	}
	value, claims, err := token.Issue(key, service, audience, lifetime, time.Now())
	if err != nil {
		return Token{}, err
	}
	return Token{value, service, audience, claims.Expires}, nil
}

// lookAtKeychain asks the keychain how it is, without a prompt.
func (b *Backend) lookAtKeychain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	st := b.store().Status(ctx)
	b.mu.Lock()
	b.status.keychain = st
	b.mu.Unlock()
}

// UnlockAtStart asks the desktop once to unlock the keychain, if something that
// the config needs is in it and could not be read. Call it when the window is up,
// which would cover the prompt otherwise and take the keyboard from it.
func (b *Backend) UnlockAtStart(ctx context.Context) error {
	select {
	case <-b.loaded:
	case <-ctx.Done():
		return ctx.Err()
	}
	report, v := b.server.Report(), b.View()
	if !v.Keychain.CanUnlock || v.Problem.Action != "unlock" && len(report.Unavailable) == 0 && report.KeyProblem == "" {
		return nil
	}
	return b.Unlock(ctx)
}

// Unlock asks the desktop to unlock its keychain, which may show the person a
// prompt, and reads the secrets again. It gives up after two minutes.
func (b *Backend) Unlock(ctx context.Context) error {
	wait, cancel := context.WithTimeout(ctx, unlockTime)
	defer cancel()
	err := b.store().Unlock(wait)
	if err == nil {
		return b.Reload(ctx)
	}
	b.lookAtKeychain(ctx)
	b.publish()
	return err
}

package backend

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
	"lockbox/vault"
)

// maxPassphrase bounds what is read of a passphrase file, in bytes.
const maxPassphrase = 64 << 10

// workFactor is what a guess of a vault file's passphrase costs, as a power of
// two; 0 is age's own. Tests have less time.
var workFactor = 0

// errNoSource is why a vault file cannot be opened without a person.
var errNoSource = errors.New("set LOCKBOX_PASSPHRASE, name a file that holds the passphrase with --passphrase-file, or start Lockbox in a terminal, where it asks")

// TakePassphrase is the value of LOCKBOX_PASSPHRASE, which it takes out of this
// process's environment: programs that are started from here never have it.
func TakePassphrase() secret.Value {
	v := secret.New(os.Getenv("LOCKBOX_PASSPHRASE"))
	_ = os.Unsetenv("LOCKBOX_PASSPHRASE") // fails for an odd name only
	return v
}

// passphrase finds the passphrase of the vault file at path: in the file that was
// named, else in the environment, else it asks.
func (o Options) passphrase(ctx context.Context, path string, making bool) (secret.Value, error) {
	switch {
	case o.PassphraseFile != "":
		info, err := os.Stat(o.PassphraseFile)
		if err == nil && info.Size() > maxPassphrase {
			err = errors.New("it is too long for one")
		}
		var text []byte
		if err == nil {
			text, err = os.ReadFile(o.PassphraseFile)
		}
		if err != nil {
			return secret.Value{}, fmt.Errorf("the passphrase file %s cannot be read: %w", o.PassphraseFile, err)
		}
		line, _ := strings.CutSuffix(string(text), "\n")
		return secret.New(strings.TrimSuffix(line, "\r")), nil
	case !o.Passphrase.IsZero():
		return o.Passphrase, nil
	case o.Ask != nil:
		return o.Ask(ctx, path, making)
	}
	return secret.Value{}, errNoSource
}

// vaultOf is the vault that the command line or else the config names.
func (o Options) vaultOf(cfg *config.Config) (config.Vault, error) {
	if o.Vault == "" {
		return cfg.Vault, nil
	}
	v, err := config.ParseVault(o.Vault)
	if err != nil {
		return v, fmt.Errorf("the vault %q of --vault or LOCKBOX_VAULT %w", o.Vault, err)
	}
	return v, nil
}

// newStore is a vault, which is not touched yet.
func (o Options) newStore(v config.Vault, ask vault.Passphrase) vault.Store {
	if path := v.File(o.ConfigPath); path != "" {
		if whole, err := filepath.Abs(path); err == nil {
			path = whole // for messages, and to be no other store's name
		}
		f := vault.NewFile(path, ask)
		if workFactor > 0 {
			f.SetWorkFactor(workFactor)
		}
		return f
	}
	return vault.NewKeychain()
}

// OpenVault is the vault that Lockbox would use with these options, for a command:
// a vault file is open when it returns, and made if there was none. Without a
// config it is the keychain.
func OpenVault(ctx context.Context, o Options) (vault.Store, error) {
	return o.openVault(ctx, true)
}

// openVault is OpenVault; unless making, a vault file that is not there stays so.
func (o Options) openVault(ctx context.Context, making bool) (vault.Store, error) {
	cfg := &config.Config{}
	if o.Vault == "" {
		var err error
		cfg, err = config.Load(o.ConfigPath)
		switch {
		case errors.Is(err, os.ErrNotExist) && !o.ConfigPathExplicit:
			cfg = &config.Config{}
		case err != nil:
			return nil, fmt.Errorf("the config, which says where the vault is, cannot be used: mend it, or name the vault with --vault: %w", err)
		}
	}
	v, err := o.vaultOf(cfg)
	if err != nil {
		return nil, err
	}
	s := o.newStore(v, o.passphrase)
	f, ok := s.(*vault.File)
	if !ok || !making && f.Status(ctx).State == vault.Missing {
		return s, nil
	}
	return s, o.open(ctx, f)
}

// open unlocks a vault file. Who types the passphrase has three tries.
func (o Options) open(ctx context.Context, f *vault.File) error {
	for try := 1; ; try++ {
		err := f.Unlock(ctx)
		asks := o.Ask != nil && o.PassphraseFile == "" && o.Passphrase.IsZero()
		if try == 3 || !asks || !errors.Is(err, vault.ErrPassphrase) {
			return err
		}
	}
}

// store is the vault in use.
func (b *Backend) store() vault.Store { return *b.vault.Load() }

// coming is the vault of the config that is being loaded.
func (b *Backend) coming() vault.Store { return *b.next.Load() }

// chooseVault makes the vault of a config that is being loaded ready.
func (b *Backend) chooseVault(ctx context.Context, cfg *config.Config) error {
	v, err := b.opts.vaultOf(cfg)
	if err != nil {
		return err
	}
	s := b.opts.newStore(v, b.passphrase)
	if now := b.store(); now.Name() == s.Name() {
		s = now
	}
	b.next.Store(&s)
	if f, ok := s.(*vault.File); ok && !b.server.Locked() {
		err = b.openFile(ctx, f)
		b.vaultSeen.Store(int64(f.Changes()))
	}
	b.lookAtVault(ctx, s)
	return err
}

// openFile unlocks a vault file as far as that takes no one at a window: where
// there is none, a start fails that cannot open it.
func (b *Backend) openFile(ctx context.Context, f *vault.File) error {
	first := b.server.Config() == nil
	status := f.Status(ctx)
	if status.State == vault.Ready {
		return nil
	}
	o := b.sources()
	if b.opts.Desktop && o.PassphraseFile == "" && o.Passphrase.IsZero() {
		return nil // the window asks
	}
	err := o.open(ctx, f)
	switch {
	case err == nil && status.State == vault.Missing:
		b.opts.Logger.Info("made a vault file", "path", f.Name())
	case err != nil && first && !b.opts.Desktop:
		return err
	case err != nil:
		b.opts.Logger.Warn("the vault file is not open", "path", f.Name(), "why", err)
	}
	return nil
}

// sources are the options with the sources of a passphrase that are there now. A
// terminal is asked at the start only: later, nobody looks at it.
func (b *Backend) sources() Options {
	o := b.opts
	b.mu.Lock()
	o.Passphrase = b.status.passphrase
	b.mu.Unlock()
	if b.server.Config() != nil {
		o.Ask = nil
	}
	return o
}

// passphrase is where the vault file in use has its passphrase from.
func (b *Backend) passphrase(ctx context.Context, path string, making bool) (secret.Value, error) {
	return b.sources().passphrase(ctx, path, making)
}

// inUse takes the vault of the config that is in use from now on.
func (b *Backend) inUse() {
	was, now := b.store(), b.coming()
	if was == now {
		return
	}
	b.vault.Store(&now)
	was.Lock()
	select {
	case b.newVault <- struct{}{}:
	default: // it will be looked at
	}
	b.opts.Logger.Info("the vault", "is", now.Name())
}

// watchVault reads the secrets anew when another process has changed the vault
// file, until ctx ends.
func (b *Backend) watchVault(ctx context.Context) {
	for ctx.Err() == nil {
		watching, stop := context.WithCancel(ctx)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			if f, ok := b.store().(*vault.File); ok {
				b.watchFile(watching, f)
			}
		}()
		select {
		case <-b.newVault:
		case <-ctx.Done():
		}
		stop()
		<-ended
	}
}

func (b *Backend) watchFile(ctx context.Context, f *vault.File) {
	trouble := func(err error) {
		b.opts.Logger.Warn("changes of the vault file may go unnoticed: reload after one", "path", f.Name(), "why", err)
	}
	if err := config.Watch(ctx, f.Name(), func() { b.vaultChanged(ctx, f) }, trouble); err != nil {
		trouble(err)
	}
}

// vaultChanged reads the secrets anew, unless it was this process that changed
// the file.
func (b *Backend) vaultChanged(ctx context.Context, f *vault.File) {
	b.edit.Lock()
	defer b.edit.Unlock()
	if ctx.Err() != nil || b.server.Config() == nil || b.server.Locked() {
		return
	}
	b.lookAtVault(ctx, f)
	if int64(f.Changes()) == b.vaultSeen.Load() {
		b.publish() // it may be gone, or damaged
		return
	}
	if err := b.load(ctx); err != nil {
		b.opts.Logger.Error("the vault file was changed but not read", "why", err)
		return
	}
	b.opts.Logger.Info("the vault file was changed and is read anew", "path", f.Name())
}

// lookAtVault asks a vault how it is, without a prompt.
func (b *Backend) lookAtVault(ctx context.Context, s vault.Store) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	st := s.Status(ctx)
	b.mu.Lock()
	b.status.keychain = st
	b.mu.Unlock()
}

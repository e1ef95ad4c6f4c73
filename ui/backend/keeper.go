package backend

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
	"lockbox/vault"
)

// Keeper moves what a Lockbox keeps, be it running or not: keys into the vault,
// and everything into a backup and out of it. Each move is done whole or not at
// all.
type Keeper struct {
	opts    Options
	store   func() vault.Store
	changes *journal
	use     func(context.Context) error // has a running proxy load what a change made
}

// NewKeeper is the Keeper of a Lockbox that runs elsewhere, or not at all. Its
// vault is open when it returns. from is a config whose choice of a vault counts
// where there is no config yet, or "". look: it is only to say what it would do,
// for which no vault is made.
func NewKeeper(ctx context.Context, o Options, from string, look bool) (*Keeper, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.ConfigPathExplicit = false // there may be none yet
	if from != "" && o.Vault == "" && !fileExists(o.ConfigPath) {
		if cfg, err := config.Load(from); err == nil {
			o.Vault = cfg.Vault.File(o.ConfigPath)
		}
	}
	store, err := o.openVault(ctx, !look)
	if err != nil {
		return nil, err
	}
	if err := unlockKeychain(ctx, store, look); err != nil {
		return nil, err
	}
	k := &Keeper{opts: o, store: func() vault.Store { return store }}
	k.changes = newJournal(o, k.store)
	return k, nil
}

// unlockKeychain opens a keychain that can be opened, which may show the person a
// prompt.
func unlockKeychain(ctx context.Context, store vault.Store, look bool) error {
	state := store.Status(ctx).State
	if _, ok := store.(*vault.Keychain); !ok || !canUnlock(state) || look && state == vault.Missing {
		return nil // whoever needs it says what is the matter
	}
	wait, cancel := context.WithTimeout(ctx, unlockTime)
	defer cancel()
	return store.Unlock(wait)
}

// keeper is b's own. b.edit must be held while it works.
func (b *Backend) keeper() *Keeper { return &Keeper{b.opts, b.store, b.changes, b.use} }

// ConfigPath is the config that k works on.
func (k *Keeper) ConfigPath() string { return k.opts.ConfigPath }

// VaultName says in a word or a path where k keeps secrets.
func (k *Keeper) VaultName() string { return k.store().Name() }

// readOwn reads the config that k works on, nil if there is none.
func (k *Keeper) readOwn(ctx context.Context) (*config.Config, []byte, error) {
	if err := k.changes.settle(ctx, k.store()); err != nil {
		return nil, nil, err
	}
	src, err := readWhole(k.opts.ConfigPath)
	if src == nil || err != nil {
		return nil, nil, err
	}
	cfg, err := config.Parse(k.opts.ConfigPath, src)
	return cfg, src, err
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// formerKeysRef is where the vault holds the signing keys of before; a key file
// has them in one beside it.
var formerKeysRef = secret.KeychainRef("lockbox", "former_keys")

func formerKeysPath(keyFile string) string { return keyFile + ".former" }

func tokensPath(o Options) string { return filepath.Join(o.StateDir, "tokens.jsonl") }

func usagePath(o Options) string { return filepath.Join(o.StateDir, "tunnel.json") }

func settingsPath(o Options) string { return filepath.Join(o.StateDir, "settings.json") }

// stored reads a secret from the vault, zero if it is not there.
func (k *Keeper) stored(ctx context.Context, ref secret.Ref) (secret.Value, error) {
	v, err := k.store().Get(ctx, ref.Service, ref.Field)
	if errors.Is(err, secret.ErrNotFound) {
		return secret.Value{}, nil
	}
	return v, err
}

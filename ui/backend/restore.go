package backend

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"

	"lockbox/proxy/config"
	"lockbox/proxy/register"
	"lockbox/proxy/secret"
	"lockbox/vault"
)

// Restore is a backup that was opened, and what putting it here would do.
type Restore struct {
	Backed
	ConfigPath string
	Vault      string // vault.Store.Name
	// What is here and is replaced.
	HereServices int      // of the config
	HereKeys     []string // references whose keys in the vault are other ones
	HereKey      bool     // the signing key: tokens that it signed stop working
	Same         bool     // all of it is here already

	archive *archive
	change  change
}

// OpenBackup reads a backup and finds out what restoring it would do, and does
// nothing yet. errors.Is tells ErrPassphrase.
func (k *Keeper) OpenBackup(ctx context.Context, path string, passphrase secret.Value) (*Restore, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file: name one that lockbox export made", path)
	case info.Size() > maxBackup:
		return nil, fmt.Errorf("%s: %w", path, errBackupTooLong)
	}
	sealed, err := os.ReadFile(path) //nolint:gosec // the person named it
	if err != nil {
		return nil, err
	}
	if err := CheckPassphrase(passphrase); err != nil {
		return nil, err
	}
	a, err := openArchive(sealed, passphrase)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return k.plan(ctx, a)
}

// plan is the change that brings everything here to how a is.
func (k *Keeper) plan(ctx context.Context, a *archive) (*Restore, error) {
	if err := k.changes.settle(ctx, k.store()); err != nil {
		return nil, err
	}
	r := &Restore{
		Backed: a.sum(), ConfigPath: k.opts.ConfigPath, Vault: k.store().Name(),
		archive: a, change: change{what: "restoring a backup"},
	}
	if err := k.planSecrets(ctx, r); err != nil {
		return nil, err
	}
	if err := k.planKey(ctx, r); err != nil {
		return nil, err
	}
	if err := k.planFiles(r); err != nil {
		return nil, err
	}
	probe := r.change
	if _, err := probe.before(ctx, k.store()); err != nil {
		return nil, err
	}
	r.Same = len(probe.secrets)+len(probe.files) == 0
	return r, nil
}

// planFiles puts config, settings and register into the plan.
func (k *Keeper) planFiles(r *Restore) error {
	a, c := r.archive, &r.change
	own, err := readWhole(k.opts.ConfigPath)
	if err != nil {
		return err
	}
	if names, err := config.ServiceNames(own); own != nil && err == nil {
		r.HereServices = len(names)
	} else {
		own = k.vaultMember()
	}
	// The vault of this machine, not that of the other.
	text, err := config.KeepMember(a.Config, own, "vault")
	if err != nil {
		return err
	}
	c.write(k.opts.ConfigPath, text)
	if a.Settings != nil {
		c.write(settingsPath(k.opts), a.Settings)
	}
	if a.Tokens == nil {
		return nil
	}
	here, err := readWhole(tokensPath(k.opts))
	if err != nil {
		return err
	}
	c.write(tokensPath(k.opts), mergeLines(a.Tokens, here))
	return nil
}

// vaultMember is a config that names the vault in use.
func (k *Keeper) vaultMember() []byte {
	f, ok := k.store().(*vault.File)
	if !ok {
		return []byte("{}")
	}
	path, _ := json.Marshal(f.Name()) // a text
	return fmt.Appendf(nil, `{"vault": {"type": "file", "path": %s}}`, path)
}

// planSecrets puts the keys of services into the plan.
func (k *Keeper) planSecrets(ctx context.Context, r *Restore) error {
	for _, name := range slices.Sorted(maps.Keys(r.archive.Secrets)) {
		ref, err := secret.ParseRef(name)
		if err != nil {
			return errArchive
		}
		value := secret.New(string(r.archive.Secrets[name]))
		was, err := k.stored(ctx, ref)
		if err != nil {
			return err
		}
		if !was.IsZero() && !was.Equal(value) {
			r.HereKeys = append(r.HereKeys, name)
		}
		r.change.set(ref, value)
	}
	return nil
}

// planKey puts the signing key where this Lockbox has its own.
func (k *Keeper) planKey(ctx context.Context, r *Restore) error {
	a := r.archive
	if len(a.SigningKey) == 0 {
		return nil
	}
	c := &r.change
	path := k.opts.keyFile()
	if state := k.store().Status(ctx).State; path == "" && len(a.Secrets) == 0 && (state == vault.NoBus || state == vault.NoService) {
		path = signingKeyPath(k.opts) // as where one is made
	}
	if path != "" {
		was, err := readWhole(path)
		if err != nil {
			return err
		}
		r.HereKey = was != nil && !bytes.Equal(was, a.SigningKey)
		c.write(path, a.SigningKey)
		if len(a.FormerKeys) > 0 {
			c.write(formerKeysPath(path), a.FormerKeys)
		}
		return nil
	}
	was, err := k.stored(ctx, signingKeyRef)
	if err != nil {
		return err
	}
	key := secret.New(string(a.SigningKey))
	r.HereKey = !was.IsZero() && !was.Equal(key)
	c.set(signingKeyRef, key)
	if len(a.FormerKeys) > 0 {
		c.set(formerKeysRef, secret.New(string(a.FormerKeys)))
	}
	return nil
}

// mergeLines is the register of a backup with what this one has since: what was
// revoked here stays so.
func mergeLines(from, here []byte) []byte {
	seen := map[string]bool{}
	var out []byte
	for _, text := range [][]byte{from, here} {
		for line := range bytes.Lines(text) {
			// A last line without its end was being written when its writer died.
			if bytes.HasSuffix(line, []byte("\n")) && !seen[string(line)] {
				seen[string(line)] = true
				out = append(out, line...)
			}
		}
	}
	return out
}

// Restore puts a backup's content in the place of what is here.
func (k *Keeper) Restore(ctx context.Context, r *Restore) error {
	free, err := register.Hold(tokensPath(k.opts))
	if err != nil {
		return err
	}
	defer free()
	now, err := k.plan(ctx, r.archive) // tokens may have been revoked since
	if err != nil {
		return err
	}
	return k.changes.make(ctx, now.change, k.use)
}

// OpenBackup is Keeper.OpenBackup while this Lockbox runs.
func (b *Backend) OpenBackup(ctx context.Context, path string, passphrase secret.Value) (*Restore, error) {
	b.edit.Lock()
	defer b.edit.Unlock()
	if err := b.unlocked(); err != nil {
		return nil, err
	}
	return b.keeper().OpenBackup(ctx, path, passphrase)
}

// Restore is Keeper.Restore while this Lockbox runs; it goes on with what is
// restored.
func (b *Backend) Restore(ctx context.Context, r *Restore) error {
	b.edit.Lock()
	defer b.edit.Unlock()
	if err := b.unlocked(); err != nil {
		return err
	}
	if err := b.keeper().Restore(ctx, r); err != nil {
		return err
	}
	b.mu.Lock()
	b.status.token = readTokenDefaults(b.settingsFile())
	b.mu.Unlock()
	b.publish()
	return nil
}

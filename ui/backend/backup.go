package backend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
)

// Backed says what a backup holds.
type Backed struct {
	Made        time.Time
	Services    int
	Keys        int // of services
	SigningKey  bool
	Tokens      bool     // the register of service tokens
	NotIncluded []string // references whose secrets are elsewhere, or nowhere
}

// Backup puts everything that this Lockbox needs into one file, encrypted under
// a passphrase and written whole or not at all, with mode 0600. An older backup
// of that name is replaced; any other file is not.
func (k *Keeper) Backup(ctx context.Context, path string, passphrase secret.Value) (Backed, error) {
	if err := CheckPassphrase(passphrase); err != nil {
		return Backed{}, err
	}
	if err := replaceable(path); err != nil {
		return Backed{}, err
	}
	free, err := k.changes.lock(ctx) // nothing changes half-way
	if err != nil {
		return Backed{}, err
	}
	a, missing, err := k.collect(ctx)
	free()
	if err != nil {
		return Backed{}, err
	}
	sealed, err := a.seal(passphrase, backupWork())
	if err != nil {
		return Backed{}, fmt.Errorf("the backup was not made: %w", err)
	}
	if err := config.ReplaceFile(path, sealed); err != nil {
		return Backed{}, fmt.Errorf("the backup %w", err)
	}
	k.changes.stepped()
	done := a.sum()
	done.NotIncluded = append(missing, done.NotIncluded...)
	return done, nil
}

// CheckPassphrase says what is wrong with a passphrase for a backup.
func CheckPassphrase(p secret.Value) error {
	if strings.TrimSpace(p.Reveal()) == "" {
		return errNoPassphrase
	}
	return nil
}

// replaceable refuses to write a backup over anything but a backup.
func replaceable(path string) error {
	f, err := os.Open(path) //nolint:gosec // the person named it
	if err != nil {
		return nil //nolint:nilerr // there is none, or writing will say what is wrong
	}
	defer f.Close() //nolint:errcheck // only read
	head := make([]byte, len(ageHead))
	switch n, err := f.Read(head); {
	case errors.Is(err, io.EOF): // empty, as a file dialog leaves it
	case err != nil || string(head[:n]) != ageHead:
		return fmt.Errorf("%s exists and is no backup: choose another name", path)
	}
	return nil
}

const ageHead = "age-encryption.org/v1\n"

// collect reads all that a backup holds. The journal's lock must be held.
func (k *Keeper) collect(ctx context.Context) (a *archive, missing []string, err error) {
	if err := k.changes.takeBack(ctx, k.store()); err != nil && !errors.Is(err, errLeft) {
		return nil, nil, err
	}
	a = &archive{Version: archiveVersion, Made: time.Now().UTC().Truncate(time.Second), Lockbox: k.opts.Version, Secrets: map[string][]byte{}}
	if a.Config, err = os.ReadFile(k.opts.ConfigPath); err != nil {
		return nil, nil, err
	}
	if _, err := config.Parse(k.opts.ConfigPath, a.Config); err != nil {
		return nil, nil, fmt.Errorf("the config has an error, mend it first: %w", err)
	}
	refs, err := config.References(a.Config)
	if err != nil {
		return nil, nil, err
	}
	for _, ref := range refs {
		if ref.Scheme != secret.Keychain {
			continue
		}
		v, err := k.stored(ctx, ref)
		switch {
		case err != nil:
			return nil, nil, err
		case v.IsZero():
			missing = append(missing, ref.String())
		default:
			a.Secrets[ref.String()] = []byte(v.Reveal())
		}
	}
	if v, err := k.stored(ctx, config.TunnelAuthtoken); err == nil && !v.IsZero() { // the config need not name it
		a.Secrets[config.TunnelAuthtoken.String()] = []byte(v.Reveal())
	}
	if a.SigningKey, a.FormerKeys, err = k.signingKeys(ctx); err != nil {
		return nil, nil, err
	}
	if a.Tokens, err = readWhole(tokensPath(k.opts)); err != nil {
		return nil, nil, err
	}
	a.Settings, err = readWhole(settingsPath(k.opts))
	return a, missing, err
}

// signingKeys reads the signing key and those of before, nil where there is none.
func (k *Keeper) signingKeys(ctx context.Context) (current, former []byte, err error) {
	if path := k.opts.keyFile(); path != "" {
		if current, err = os.ReadFile(path); err != nil { //nolint:gosec // the person's own choice of file
			return nil, nil, fmt.Errorf("the signing key file cannot be read: %w", err)
		}
		former, err = readWhole(formerKeysPath(path))
		return current, former, err
	}
	for ref, to := range map[secret.Ref]*[]byte{signingKeyRef: &current, formerKeysRef: &former} {
		v, err := k.stored(ctx, ref)
		if err != nil && !errors.Is(err, secret.ErrUnavailable) {
			return nil, nil, err
		}
		if !v.IsZero() {
			*to = []byte(v.Reveal())
		}
	}
	return current, former, nil
}

// sum says what an archive holds.
func (a *archive) sum() Backed {
	done := Backed{Made: a.Made, Keys: len(a.Secrets), SigningKey: len(a.SigningKey) > 0, Tokens: len(a.Tokens) > 0}
	if names, err := config.ServiceNames(a.Config); err == nil {
		done.Services = len(names)
	}
	refs, _ := config.References(a.Config) // it was parsed before
	for _, ref := range refs {
		if ref.Scheme != secret.Keychain {
			done.NotIncluded = append(done.NotIncluded, ref.String())
		}
	}
	return done
}

// Backup is Keeper.Backup while this Lockbox runs.
func (b *Backend) Backup(ctx context.Context, path string, passphrase secret.Value) (Backed, error) {
	b.edit.Lock()
	defer b.edit.Unlock()
	if err := b.unlocked(); err != nil {
		return Backed{}, err
	}
	return b.keeper().Backup(ctx, path, passphrase)
}

// IsBackup reports whether a file looks like a backup by its name.
func IsBackup(path string) bool { return strings.EqualFold(filepath.Ext(path), ".age") }

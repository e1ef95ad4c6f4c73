package backend

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"lockbox/proxy/config"
	"lockbox/proxy/register"
	"lockbox/proxy/secret"
	"lockbox/proxy/token"
	"lockbox/vault"
)

// keyRing is the signing keys where they are kept: in the vault, or in a file with
// the former ones in FILE.former beside it.
type keyRing struct {
	file  string // "": in the vault
	store vault.Store
}

// former is a key that verifies until a moment, as it is kept.
type former struct {
	Key   string    `json:"key"`
	Until time.Time `json:"until"`
}

// Former keys are kept by the SHA-256 of the current key that they belong to, and
// written before that one: then there is no moment at which the new key has the
// old one's former keys, or none.
type formers map[string][]former

func keyPrint(key secret.Value) string {
	sum := sha256.Sum256([]byte(key.Reveal()))
	return hex.EncodeToString(sum[:])
}

// current is the key that signs; errors.Is tells secret.ErrNotFound.
func (k keyRing) current(ctx context.Context) (secret.Value, error) {
	if k.file != "" {
		key, _, err := readKeyFile(k.file)
		return key, err
	}
	return vault.Resolve(ctx, k.store, signingKeyRef)
}

func (k keyRing) formerFile() string { return formerKeysPath(k.file) }

// formers are all that is kept of former keys.
func (k keyRing) formers(ctx context.Context) (formers, error) {
	var text []byte
	if k.file != "" {
		var err error
		text, err = os.ReadFile(k.formerFile())
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("the former signing keys cannot be read: %w", err)
		}
	} else {
		v, err := k.store.Get(ctx, formerKeysRef.Service, formerKeysRef.Field)
		if errors.Is(err, secret.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		text = []byte(v.Reveal())
	}
	var all formers
	if json.Unmarshal(text, &all) != nil { // its error may quote a key
		return nil, errors.New("the former signing keys are damaged; replace the signing key once more, which ends them")
	}
	return all, nil
}

// read is what verifies at a moment. Without a current key it fails.
func (k keyRing) read(ctx context.Context, now time.Time) (token.Keys, error) {
	key, err := k.current(ctx)
	if err != nil {
		return token.Keys{}, err
	}
	keys := token.Keys{Current: key}
	all, err := k.formers(ctx)
	for _, f := range all[keyPrint(key)] {
		if now.Before(f.Until) {
			keys.Former = append(keys.Former, token.FormerKey{Key: secret.New(f.Key), Until: f.Until})
		}
	}
	return keys, err
}

// replace makes another key the current one. The one before, and its former ones,
// verify for the grace time; with none, nothing but the new key does.
func (k keyRing) replace(ctx context.Context, key secret.Value, grace time.Duration, now time.Time) error {
	was, err := k.current(ctx)
	if err != nil && !errors.Is(err, secret.ErrNotFound) {
		return err
	}
	all, err := k.formers(ctx)
	if err != nil && grace > 0 {
		return err
	}
	if was.Equal(key) {
		return nil
	}
	before := slices.DeleteFunc(slices.Clone(all[keyPrint(was)]), func(f former) bool { return !now.Before(f.Until) || secret.New(f.Key).Equal(key) })
	next := formers{}
	if grace > 0 && !was.IsZero() {
		next[keyPrint(key)] = append(slices.Clone(before), former{was.Reveal(), now.Add(grace)})
	}
	both := formers{keyPrint(key): next[keyPrint(key)]}
	if len(before) > 0 {
		both[keyPrint(was)] = before
	}
	if len(both[keyPrint(key)]) > 0 { // else what is kept is right as long as the old key is there
		if err := k.keepFormers(ctx, both); err != nil {
			return err
		}
	}
	if err := k.keepCurrent(ctx, key); err != nil {
		return err
	}
	return k.keepFormers(ctx, next)
}

func (k keyRing) keepCurrent(ctx context.Context, key secret.Value) error {
	if k.file != "" {
		return config.ReplaceFile(k.file, []byte(key.Reveal()))
	}
	return k.store.Set(ctx, signingKeyRef.Service, signingKeyRef.Field, key)
}

func (k keyRing) keepFormers(ctx context.Context, all formers) error {
	if len(all) == 0 {
		if k.file == "" {
			return k.store.Delete(ctx, formerKeysRef.Service, formerKeysRef.Field)
		}
		if err := os.Remove(k.formerFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	if k.file != "" {
		return config.ReplaceFile(k.formerFile(), text)
	}
	return k.store.Set(ctx, formerKeysRef.Service, formerKeysRef.Field, secret.New(string(text)))
}

func newKey() secret.Value { return token.NewKey() }

// RotateKey makes a new signing key. Tokens that were made with the one before
// are good for the grace time; with none they end at once.
func (b *Backend) RotateKey(ctx context.Context, grace time.Duration) error {
	return b.replaceKey(ctx, newKey(), grace)
}

// ImportKey makes another key the signing key, such as the Python original's, as
// RotateKey does.
func (b *Backend) ImportKey(ctx context.Context, key secret.Value, grace time.Duration) error {
	if err := checkKey(key); err != nil {
		return err
	}
	return b.replaceKey(ctx, key, grace)
}

func (b *Backend) replaceKey(ctx context.Context, key secret.Value, grace time.Duration) error {
	if err := b.unlocked(); err != nil {
		return err
	}
	b.edit.Lock()
	defer b.edit.Unlock()
	ring := keyRing{b.opts.keyFile(), b.store()}
	if err := ring.replace(ctx, key, grace, time.Now()); err != nil {
		return err
	}
	noted := b.tokens.NoteKeys(time.Now())
	return errors.Join(noted, b.load(ctx))
}

// ReplaceKey is ImportKey for a command: a Lockbox that runs with the same options
// takes the new key over.
func ReplaceKey(ctx context.Context, o Options, key secret.Value, grace time.Duration) error {
	if err := checkKey(key); err != nil {
		return err
	}
	ring, err := o.keyRing(ctx)
	if err != nil {
		return err
	}
	r, err := OpenTokens(o)
	if err != nil {
		return err
	}
	if err := ring.replace(ctx, key, grace, time.Now()); err != nil {
		return err
	}
	return r.NoteKeys(time.Now())
}

// NewSigningKey is a strong one, for ReplaceKey.
func NewSigningKey() secret.Value { return newKey() }

func checkKey(key secret.Value) error {
	if strings.TrimSpace(key.Reveal()) == "" {
		return errors.New("the key is blank: such a key would let anyone in")
	}
	return nil
}

func (o Options) keyRing(ctx context.Context) (keyRing, error) {
	if file := o.keyFile(); file != "" {
		return keyRing{file: file}, nil
	}
	s, err := OpenVault(ctx, o)
	return keyRing{store: s}, err
}

// KeyInfo is what can be said of the signing keys.
type KeyInfo struct {
	Source   string      `json:"kept_in"`           // the file, or the vault's name
	Length   int         `json:"length"`            // in bytes
	Weak     bool        `json:"weak"`              // it could be guessed
	Replaced time.Time   `json:"replaced,omitzero"` // zero: never
	Former   []time.Time `json:"former_until"`      // until when former keys verify
}

// Keys says what there is to say of the signing keys in use.
func (b *Backend) Keys() KeyInfo {
	return infoOf(b.server.Keys(), b.View().SigningKeySource, b.tokens)
}

// KeysOf is Keys for a command.
func KeysOf(ctx context.Context, o Options) (KeyInfo, error) {
	ring, err := o.keyRing(ctx)
	if err != nil {
		return KeyInfo{}, err
	}
	keys, err := ring.read(ctx, time.Now())
	if err != nil {
		return KeyInfo{}, err
	}
	r, err := OpenTokens(o)
	if err != nil {
		return KeyInfo{}, err
	}
	source := ring.file
	if source == "" {
		source = ring.store.Name()
	}
	return infoOf(keys, source, r), nil
}

func infoOf(keys token.Keys, source string, r *register.Register) KeyInfo {
	n := keys.Current.Len()
	i := KeyInfo{Source: source, Length: n, Weak: n < token.WeakKeyLength, Replaced: r.KeysReplaced(), Former: []time.Time{}}
	for _, f := range keys.Former {
		i.Former = append(i.Former, f.Until)
	}
	return i
}

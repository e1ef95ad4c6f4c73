package backend

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"
	"unicode/utf8"

	"filippo.io/age"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
)

// A backup file is age's (https://age-encryption.org/v1), under a passphrase:
// `age -d FILE` shows it as JSON. Inside is an archive, with bytes in base64:
//
//	{
//	  "version": 1,
//	  "made": "2026-11-23T18:00:00Z",
//	  "lockbox": "v1.2.3",                            // who made it
//	  "config": "eyJzZXJ2aWNlcyI6e319",               // config.json as it was
//	  "secrets": {"keychain://acme/token": "c2st…"},  // those that the config refers to
//	  "signing_key": "…",                             // from vault or file; left out if there is none
//	  "former_keys": "…",                             // signing keys of before
//	  "tokens": "…",                                  // tokens.jsonl, the register
//	  "settings": "…"                                 // settings.json
//	}
//
// A reader refuses a version that is higher than its own, keys that it does not
// know, and a config that it would not load.
const archiveVersion = 1

const (
	// maxBackupWork bounds what an altered file can have us spend: 1 GiB.
	maxBackupWork = 20
	// maxBackup bounds a backup file, in bytes.
	maxBackup = 256 << 20
)

// backupWork is age's own work factor, the log2 of scrypt's N: a guess of the
// passphrase takes about a second. Tests have less time.
func backupWork() int {
	if workFactor > 0 {
		return workFactor
	}
	return 18
}

// What can be the matter with a backup.
var (
	// ErrPassphrase: the passphrase does not open the backup.
	ErrPassphrase    = errors.New("wrong passphrase; try again")
	errNoPassphrase  = errors.New("the passphrase is empty")
	errNoBackup      = errors.New("it is no backup, or is damaged at its beginning; take another copy of it")
	errDamaged       = errors.New("it is damaged, or cut short; take another copy of it")
	errNoScrypt      = errors.New("it is encrypted, but not by a passphrase; name a file that lockbox export made")
	errArchive       = errors.New("it opens, but what is inside was not written by Lockbox")
	errNewerBackup   = errors.New("a newer Lockbox made it; update this one")
	errBackupTooLong = fmt.Errorf("it is larger than the %d MiB that a backup may have", maxBackup>>20)
)

// archive is what a backup holds.
type archive struct {
	Version int               `json:"version"`
	Made    time.Time         `json:"made"`
	Lockbox string            `json:"lockbox"`
	Config  []byte            `json:"config"`
	Secrets map[string][]byte `json:"secrets"`
	// What follows is nil where there was none.
	SigningKey []byte `json:"signing_key,omitempty"`
	FormerKeys []byte `json:"former_keys,omitempty"`
	Tokens     []byte `json:"tokens,omitempty"`
	Settings   []byte `json:"settings,omitempty"`
}

// seal encrypts an archive.
func (a *archive) seal(passphrase secret.Value, work int) ([]byte, error) {
	defer debug.FreeOSMemory() // what scrypt took is more than all else we have
	text, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	recipient, err := age.NewScryptRecipient(passphrase.Reveal())
	if err != nil {
		return nil, err
	}
	recipient.SetWorkFactor(work)
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, recipient)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if sealed.Len() > maxBackup {
		return nil, errBackupTooLong
	}
	return sealed.Bytes(), nil
}

// openArchive is the reverse of seal.
func openArchive(sealed []byte, passphrase secret.Value) (*archive, error) {
	defer debug.FreeOSMemory()
	identity, err := age.NewScryptIdentity(passphrase.Reveal())
	if err != nil {
		return nil, err
	}
	identity.SetMaxWorkFactor(maxBackupWork)
	r, err := age.Decrypt(bytes.NewReader(sealed), identity)
	var none *age.NoIdentityMatchError
	switch {
	case errors.As(err, &none) && len(none.StanzaTypes) == 1 && none.StanzaTypes[0] == "scrypt":
		return nil, ErrPassphrase
	case errors.As(err, &none):
		return nil, errNoScrypt
	case err != nil:
		return nil, fmt.Errorf("%w (%w)", errNoBackup, err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, errDamaged
	}
	return parseArchive(text)
}

// parseArchive reads what is inside. Its errors repeat nothing of it.
func parseArchive(text []byte) (*archive, error) {
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(text, &head); err != nil || head.Version < 1 {
		return nil, errArchive
	}
	if head.Version > archiveVersion {
		return nil, errNewerBackup
	}
	if !utf8.Valid(text) {
		return nil, errArchive
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	a := &archive{}
	if err := d.Decode(a); err != nil {
		return nil, errArchive
	}
	for name, value := range a.Secrets {
		ref, err := secret.ParseRef(name)
		if err != nil || ref.Scheme != secret.Keychain || ref.String() != name || len(value) == 0 {
			return nil, errArchive
		}
	}
	if _, err := config.Parse("", a.Config); err != nil {
		return nil, errArchive
	}
	return a, nil
}

package config

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/tailscale/hujson"
)

// The kinds of Vault.
const (
	KeychainVault = "keychain"
	FileVault     = "file"
)

// Vault is where the secrets of keychain:// references are kept. The zero Vault
// is the operating system's keychain.
type Vault struct {
	Type string // KeychainVault, FileVault; "" is KeychainVault
	Path string // of a FileVault, as written
}

// File is the path of a FileVault, relative ones taken from the config file's
// folder; "" for the keychain.
func (v Vault) File(configPath string) string {
	if v.Type != FileVault || filepath.IsAbs(v.Path) {
		return v.Path
	}
	return filepath.Join(filepath.Dir(configPath), v.Path)
}

// ParseVault reads what a command line says in the place of the config: keychain,
// or the path of a vault file. A bare word is no path, for it may be a slip of the
// pen: ./word is.
func ParseVault(s string) (Vault, error) {
	if s == KeychainVault {
		return Vault{Type: KeychainVault}, nil
	}
	if !strings.ContainsAny(s, `/\.`) {
		return Vault{}, errors.New("is neither keychain nor the path of a vault file, such as ./vault.age")
	}
	if err := checkVaultPath(s); err != nil {
		return Vault{}, err
	}
	path, err := filepath.Abs(s)
	return Vault{Type: FileVault, Path: path}, err
}

func checkVaultPath(s string) error {
	switch {
	case s == "":
		return errors.New("is empty: name a file, such as vault.age")
	case !readable(s) || strings.ContainsFunc(s, invisible):
		return errors.New("has control characters")
	case strings.HasSuffix(s, "/"):
		return errors.New("is a folder: name a file in it, such as vault.age")
	case strings.HasPrefix(s, "~"):
		return errors.New("begins with ~, which only a shell knows: write the folder's whole path")
	}
	return nil
}

// vault reads vault; null is the keychain.
func (d *decoder) vault(v *hujson.Value) Vault {
	const field = "vault"
	if isNull(v) {
		return Vault{Type: KeychainVault}
	}
	o := d.object(v, field)
	if o == nil {
		return Vault{}
	}
	d.unknown(o, field+"/", vaultKeys)
	if o.value("type") == nil {
		d.missing(o, field+"/", "type")
		return Vault{}
	}
	kind, ok := d.text(o.value("type"), field+"/type")
	if !ok {
		return Vault{}
	}
	switch path := o.value("path"); kind {
	case KeychainVault:
		if !isNull(path) {
			d.warn(path, field+"/path", "has no use: the keychain has no path; a vault file is of the type %q", FileVault)
		}
		return Vault{Type: KeychainVault}
	case FileVault:
		if path == nil {
			d.missing(o, field+"/", "path")
			return Vault{}
		}
		s, ok := d.text(path, field+"/path")
		if !ok {
			return Vault{}
		}
		if err := checkVaultPath(s); err != nil {
			d.fail(path, field+"/path", "%v", err)
		}
		return Vault{FileVault, s}
	}
	d.fail(o.value("type"), field+"/type", "must be %q or %q", KeychainVault, FileVault)
	return Vault{}
}

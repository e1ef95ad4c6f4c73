package backend

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/adrg/xdg"

	"lockbox/proxy/secret"
)

// Options are what the command line and the environment decide.
type Options struct {
	// ConfigPath is the config file. Where none was named and it does not
	// exist, Open writes a starter config there.
	ConfigPath string
	// ConfigPathExplicit: the person named ConfigPath, so it must exist.
	ConfigPathExplicit bool
	// SigningKeyFile holds the signing key byte for byte, as in the Python
	// original; "" means the signing_key file beside the config if there is
	// one, else the vault.
	SigningKeyFile string
	// Vault overrides the config's vault: "keychain", or the path of a vault file;
	// "" does not.
	Vault string
	// The passphrase of a vault file is the first line of PassphraseFile, else
	// Passphrase, else Ask has it, which asks a person at a terminal; making: for
	// the passphrase of a new file. What is zero is not looked at.
	PassphraseFile string
	Passphrase     secret.Value
	Ask            func(ctx context.Context, path string, making bool) (secret.Value, error)
	// Listen overrides the config's listen address; "" does not.
	Listen string
	// PublicListen overrides the config's public_listen; "" does not.
	PublicListen string
	// Metrics has /metrics answered on the local listener, for Prometheus.
	Metrics bool
	// StateDir holds the audit log and what the window remembers.
	StateDir string
	// Desktop: a person can be shown things, so that problems of the config,
	// the address and the keychain are in the View instead of ending Run, and
	// the desktop may be asked to unlock its keychain.
	Desktop bool
	Logger  *slog.Logger
	Version string
}

// DefaultOptions follows the XDG directories (the platform's own elsewhere), the
// original's LOCKBOX_CONFIG_PATH and LOCKBOX_SIGNING_KEY_FILE, LOCKBOX_VAULT and
// LOCKBOX_PASSPHRASE_FILE.
func DefaultOptions() Options {
	o := Options{
		ConfigPath:     filepath.Join(xdg.ConfigHome, "lockbox", "config.json"),
		StateDir:       filepath.Join(xdg.StateHome, "lockbox"),
		SigningKeyFile: os.Getenv("LOCKBOX_SIGNING_KEY_FILE"),
		Vault:          os.Getenv("LOCKBOX_VAULT"),
		PassphraseFile: os.Getenv("LOCKBOX_PASSPHRASE_FILE"),
		Logger:         slog.Default(),
		Version:        "dev",
	}
	if p := os.Getenv("LOCKBOX_CONFIG_PATH"); p != "" {
		o.ConfigPath, o.ConfigPathExplicit = p, true
	}
	return o
}

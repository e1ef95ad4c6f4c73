// Package cli is Lockbox's face in a terminal: the commands. What a command
// answers goes to stdout, what it has to say besides to stderr. It exits with 0
// when it did what it was asked, 1 when it could not, 2 when it was asked
// wrongly.
package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"

	"github.com/alecthomas/kong"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
	"lockbox/ui/backend"
)

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// Terminal is where a command talks to.
type Terminal struct {
	In         io.Reader // nil: nothing comes in
	Out, Err   io.Writer
	Version    string       // of Lockbox
	Passphrase secret.Value // of the vault file, from the environment; zero: none
}

// commands is the grammar of the command line.
type commands struct {
	Serve      serveCmd         `cmd:"" help:"Serve without a window until a signal ends it."`
	Token      tokenCmd         `cmd:"" help:"Make a service token, which opens one service, and print it."`
	AdminToken adminTokenCmd    `cmd:"" help:"Make an admin token, which may reload the config, and print it."`
	Tokens     tokensCmd        `cmd:"" help:"List the tokens that are out, revoke them, and resume paused ones."`
	Key        keyCmd           `cmd:"" help:"Look after the signing key, by which tokens are known."`
	Panic      panicCmd         `cmd:"" help:"Shut everyone out at once: pause, revoke every token, replace the signing key."`
	Approvals  approvalsCmd     `cmd:"" help:"Answer the calls that wait for a person's yes or no."`
	Secret     secretCmd        `cmd:"" help:"Put secrets into the vault, take them out, list them."`
	Presets    presetsCmd       `cmd:"" help:"List the APIs that Lockbox knows how to set up."`
	Import     importCmd        `cmd:"" help:"Take services over from a config file and move their keys to the vault, or restore a backup."`
	Export     exportCmd        `cmd:"" help:"Back everything up into one encrypted file."`
	Audit      auditCmd         `cmd:"" help:"Look at the record of calls."`
	Rules      rulesCmd         `cmd:"" help:"List the services' rules, and try calls on them."`
	Limits     limitsCmd        `cmd:"" help:"Say which limits services and their tokens have, and how far quotas are used."`
	Autostart  autostartCmd     `cmd:"" help:"Start Lockbox at each login, or not."`
	Check      checkCmd         `cmd:"" help:"Say what is wrong with a config file."`
	Doctor     doctorCmd        `cmd:"" help:"Look at keychain, port, config, clock, tray and tunnel, and say what to do."`
	Version    versionCmd       `cmd:"" help:"Print the version."`
	ShowVer    kong.VersionFlag `name:"version" help:"Print the version."`
}

const description = `Lockbox calls third-party APIs for you and keeps your keys at home. ` +
	`Without a command it opens the window and the tray icon, with --hidden the tray icon alone, or serves where there is no display.`

// errSaid ends a command whose problem stands in its answer already.
var errSaid = errors.New("already said")

// Run does what args, without the program's name, ask for and returns the exit
// code.
func Run(args []string, t Terminal) int {
	if t.In == nil {
		t.In = strings.NewReader("")
	}
	if len(args) == 1 && args[0] == "help" {
		args = []string{"--help"}
	}
	ended := false // kong printed the help or the version
	parser, err := kong.New(&commands{},
		kong.Name("lockbox"), kong.Description(description),
		kong.Writers(t.Out, t.Err), kong.Exit(func(int) { ended = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Vars{"version": t.versionLine(), "listen": config.DefaultListen},
		kong.Bind(t),
	)
	if err != nil {
		panic(err) // the grammar above is wrong, whatever args are
	}
	cmd, err := parser.Parse(args)
	if ended {
		return exitDone
	}
	if err == nil {
		if err = cmd.Run(); err == nil {
			return exitDone
		}
		if !errors.Is(err, errSaid) {
			t.say("lockbox: %v", err)
		}
		return exitFailed
	}
	t.say("lockbox: %v", err)
	t.say("Run lockbox --help, or lockbox COMMAND --help, to see what can be asked.")
	return exitUsage
}

// say writes a line for the person at the terminal. That it could not be written
// is nothing a command can help.
func (t Terminal) say(format string, a ...any) { _, _ = fmt.Fprintf(t.Err, format+"\n", a...) }

// answer writes a line of the answer.
func (t Terminal) answer(format string, a ...any) error {
	_, err := fmt.Fprintf(t.Out, format+"\n", a...)
	return err
}

func (t Terminal) versionLine() string {
	return fmt.Sprintf("lockbox %s (%s %s/%s)", t.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(t Terminal) error { return t.answer("%s", t.versionLine()) }

// place says which config, signing key and vault a command works with.
type place struct {
	Config         string `type:"path" placeholder:"FILE" env:"LOCKBOX_CONFIG_PATH" help:"Config file; without it the one in your config directory."`
	SigningKeyFile string `type:"path" placeholder:"FILE" env:"LOCKBOX_SIGNING_KEY_FILE" help:"File that holds the signing key, byte for byte; without it signing_key beside the config, else the vault."`

	Vault          vaultName `placeholder:"keychain|FILE" env:"LOCKBOX_VAULT" help:"Where secrets are kept: the keychain, or a file under a passphrase; without it the config's, else the keychain."`
	PassphraseFile string    `type:"path" placeholder:"FILE" env:"LOCKBOX_PASSPHRASE_FILE" help:"File that holds the passphrase of the vault file; without it $$LOCKBOX_PASSPHRASE, else the terminal is asked."`
}

func (p place) options(t Terminal) backend.Options {
	o := backend.DefaultOptions()
	if p.Config != "" {
		o.ConfigPath, o.ConfigPathExplicit = p.Config, true
	}
	if p.SigningKeyFile != "" {
		o.SigningKeyFile = p.SigningKeyFile
	}
	o.Vault, o.PassphraseFile = string(p.Vault), p.PassphraseFile
	o.Passphrase, o.Ask = t.Passphrase, t.ask()
	o.Version = t.Version
	o.Logger = slog.New(slog.NewTextHandler(t.Err, nil))
	return o
}

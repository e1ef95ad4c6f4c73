// Lockbox calls third-party APIs for you and keeps your keys at home: workflow
// platforms get a token for this machine in their stead.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"lockbox/proxy/secret"
	"lockbox/ui/backend"
	"lockbox/ui/cli"
	"lockbox/ui/display"
	"lockbox/ui/launch"
)

// version is set by the linker.
var version = "dev"

func main() { os.Exit(run(os.Args[1:])) }

// run picks the face: a command if one is asked for, else the window, else the
// command that needs none. It returns the exit code.
func run(args []string) int {
	passphrase := backend.TakePassphrase() // before anything else is started
	hidden := slices.Equal(args, []string{"--hidden"})
	command := len(args) > 0 && !hidden
	if command {
		cli.Console()
	}
	t := cli.Terminal{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Version: version, Passphrase: passphrase}
	if command {
		return cli.Run(args, t)
	}
	if !display.Available() {
		fmt.Fprintln(os.Stderr, "There is no display here, so Lockbox starts without a window, as lockbox serve does.")
		return cli.Run([]string{"serve"}, t)
	}
	if err := window(passphrase, hidden); err != nil {
		fmt.Fprintf(os.Stderr, "lockbox: %v\n", err)
		return 1
	}
	return 0
}

// window shows the window and the tray, or raises the window of the Lockbox
// which runs already. Hidden, it shows the tray alone.
func window(passphrase secret.Value, hidden bool) (err error) {
	raise := make(chan struct{}, 1)
	first, done, err := launch.Single(!hidden, func() {
		select {
		case raise <- struct{}{}:
		default: // it is about to be raised
		}
	})
	if err != nil {
		return err
	}
	defer done()
	if !first {
		fmt.Fprintln(os.Stderr, "Lockbox runs already.")
		return nil
	}
	o := backend.DefaultOptions()
	o.Desktop, o.Version, o.Passphrase = true, version, passphrase
	o.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	b, err := backend.Open(context.Background(), o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	return launch.Window(context.Background(), b, hidden, raise)
}

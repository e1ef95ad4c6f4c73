// Lockbox calls third-party APIs for you and keeps your keys at home: workflow
// platforms get a token for this machine in their stead.
package main

import (
	"context"
	"fmt"
	"os"
	"sync"

	"lockbox/ui"
	"lockbox/ui/backend"
	"lockbox/ui/cli"
)

// version is set by the linker.
var version = "dev"

func main() { os.Exit(run(os.Args[1:])) }

// run picks the face: a command if one is asked for, else the window, else the
// command that needs none.
func run(args []string) int {
	t := cli.Terminal{Out: os.Stdout, Err: os.Stderr, Version: version}
	if len(args) > 0 {
		return cli.Run(args, t)
	}
	if ui.HasDisplay() {
		return window(t)
	}
	fmt.Fprintln(os.Stderr, "There is no display here, so Lockbox starts without a window, as lockbox serve does.")
	return cli.Run([]string{"serve"}, t)
}

// window shows the window, or that of the Lockbox which runs already.
func window(t cli.Terminal) int {
	raise := make(chan struct{}, 1)
	first, done, err := ui.Single(func() {
		select {
		case raise <- struct{}{}:
		default: // it is about to be raised
		}
	})
	switch {
	case err != nil:
		fmt.Fprintf(os.Stderr, "lockbox: %v\n", err)
		return 1
	case !first:
		fmt.Fprintln(os.Stderr, "Lockbox runs already: its window is shown.")
		return 0
	}
	done = sync.OnceFunc(done)
	defer done()
	return cli.Desktop(t, func(ctx context.Context, b *backend.Backend) error {
		// Once the window is gone, the next launch must open its own.
		defer done()
		return ui.Run(ctx, b, ui.Options{Raise: raise})
	})
}

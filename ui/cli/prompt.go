package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"

	"golang.org/x/term"

	"lockbox/proxy/secret"
)

var errNoTerminal = errors.New("there is no terminal to ask for the passphrase at: set LOCKBOX_PASSPHRASE, or name a file that holds it with --passphrase-file")

// ask asks for the passphrase of a vault file, twice for a new one.
func (t Terminal) ask() func(ctx context.Context, path string, making bool) (secret.Value, error) {
	asked := false
	return func(ctx context.Context, path string, making bool) (secret.Value, error) {
		if asked && !making {
			t.say("Wrong passphrase: try again.")
		}
		asked = true
		if !making {
			return prompt(ctx, "Passphrase of "+path+": ")
		}
		first, err := prompt(ctx, path+" is made now. Without its passphrase nobody can open it again, you included.\nNew passphrase: ")
		if err != nil {
			return first, err
		}
		second, err := prompt(ctx, "The same again: ")
		if err == nil && !first.Equal(second) {
			err = errors.New("the two passphrases are not the same: start again")
		}
		return first, err
	}
}

// prompt asks the person at the terminal for something that is not shown, whatever
// stdin and stdout are. An interrupt leaves the terminal as it was.
func prompt(ctx context.Context, question string) (secret.Value, error) {
	in, out, err := openTerminal()
	if err != nil {
		return secret.Value{}, errNoTerminal
	}
	defer in.Close()  //nolint:errcheck // nothing was left to write
	defer out.Close() //nolint:errcheck // as above
	fd := int(in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return secret.Value{}, errNoTerminal
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	if _, err := fmt.Fprint(out, question); err != nil {
		return secret.Value{}, errNoTerminal
	}
	defer fmt.Fprintln(out) //nolint:errcheck // the Enter was not shown
	typed := make(chan secret.Value, 1)
	failed := make(chan error, 1)
	// A read of a terminal cannot be broken off: after an interrupt it ends with
	// the process.
	go func() {
		text, err := term.ReadPassword(fd)
		if err != nil {
			failed <- err
			return
		}
		typed <- secret.New(string(text))
	}()
	select {
	case v := <-typed:
		return v, nil
	case err := <-failed:
		if errors.Is(err, io.EOF) {
			err = errors.New("nothing was entered")
		}
		return secret.Value{}, err
	case <-ctx.Done():
		_ = term.Restore(fd, before)
		return secret.Value{}, errors.New("interrupted")
	}
}

func openTerminal() (in, out *os.File, err error) {
	if runtime.GOOS != "windows" {
		in, err = os.OpenFile("/dev/tty", os.O_RDWR, 0)
		if err != nil {
			return nil, nil, err
		}
		out, err = os.OpenFile("/dev/tty", os.O_WRONLY, 0)
	} else {
		in, err = os.OpenFile("CONIN$", os.O_RDWR, 0)
		if err != nil {
			return nil, nil, err
		}
		out, err = os.OpenFile("CONOUT$", os.O_WRONLY, 0)
	}
	if err != nil {
		return nil, nil, errors.Join(err, in.Close())
	}
	return in, out, nil
}

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"golang.org/x/term"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
	"lockbox/ui/backend"
)

// maxValue bounds what is read of stdin, in bytes; a vault holds no more.
const maxValue = 1 << 20

type secretCmd struct {
	Set  secretSetCmd  `cmd:"" help:"Store a secret, which comes on stdin."`
	Rm   secretRmCmd   `cmd:"" help:"Remove a secret."`
	List secretListCmd `cmd:"" help:"List the secrets and who uses them, without their values."`
}

// reference is a keychain:// reference on the command line.
type reference struct{ secret.Ref }

// UnmarshalText implements encoding.TextUnmarshaler, for kong.
func (r *reference) UnmarshalText(text []byte) error {
	ref, err := secret.ParseRef(string(text))
	switch {
	case ref.Scheme == secret.Env:
		return errors.New("what env:// names is set where Lockbox is started, and not in the vault")
	case ref.Scheme == secret.File:
		return errors.New("what file:// names is written with an editor, and is not in the vault")
	case err != nil:
		return errors.New("want a reference, written keychain://service/field") // it may be the key itself
	}
	r.Ref = ref
	return nil
}

// vaultName is the vault on the command line: "keychain", or a file's path.
type vaultName string

// UnmarshalText implements encoding.TextUnmarshaler, for kong.
func (n *vaultName) UnmarshalText(text []byte) error {
	if len(text) == 0 { // an empty variable is none
		return nil
	}
	v, err := config.ParseVault(string(text))
	if err != nil {
		return err
	}
	*n = config.KeychainVault
	if v.Type == config.FileVault {
		*n = vaultName(v.Path)
	}
	return nil
}

type secretSetCmd struct {
	Ref reference `arg:"" placeholder:"keychain://SERVICE/FIELD" help:"Where it is kept, as the config refers to it: keychain://service/field."`
	place
}

// Run stores what comes on stdin, less one line break at its end.
func (c secretSetCmd) Run(t Terminal) error {
	ctx, cancel := context.WithTimeout(context.Background(), personTime)
	defer cancel()
	value, err := t.value(ctx, c.Ref.Ref)
	if err != nil {
		return err
	}
	o := c.options(t)
	where, err := backend.SetSecret(ctx, o, c.Ref.Ref, value)
	if err != nil {
		return err
	}
	t.say("%s is stored in %s. %s", c.Ref.Ref, inVault(where), takenOver(where))
	return nil
}

// value reads a secret from stdin, or asks for it where that is a terminal.
func (t Terminal) value(ctx context.Context, ref secret.Ref) (secret.Value, error) {
	if f, ok := t.In.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		v, err := prompt(ctx, "Value of "+ref.String()+": ")
		if err == nil && v.IsZero() {
			err = errors.New("nothing was entered, so that nothing is stored")
		}
		return v, err
	}
	text, err := io.ReadAll(io.LimitReader(t.In, maxValue+3))
	if err != nil {
		return secret.Value{}, fmt.Errorf("stdin cannot be read: %w", err)
	}
	line, _ := strings.CutSuffix(string(text), "\n")
	line = strings.TrimSuffix(line, "\r")
	switch {
	case line == "":
		return secret.Value{}, errors.New("stdin is empty: the secret comes there, as in: lockbox secret set " + ref.String() + " < FILE")
	case len(line) > maxValue:
		return secret.Value{}, fmt.Errorf("stdin has more than the %d bytes that a secret may have", maxValue)
	}
	return secret.New(line), nil
}

type secretRmCmd struct {
	Ref   reference `arg:"" placeholder:"keychain://SERVICE/FIELD" help:"The secret to remove: keychain://service/field."`
	Force bool      `help:"Remove it although it is used, and do not mind if it is not there."`
	place
}

// Run removes a secret.
func (c secretRmCmd) Run(t Terminal) error {
	ctx, cancel := context.WithTimeout(context.Background(), personTime)
	defer cancel()
	where, err := backend.RemoveSecret(ctx, c.options(t), c.Ref.Ref, c.Force)
	if err != nil {
		return err
	}
	t.say("%s is removed from %s. %s", c.Ref.Ref, inVault(where), takenOver(where))
	return nil
}

type secretListCmd struct {
	JSON bool `help:"As a JSON array of objects: ref, used_by, missing."`
	place
}

// Run lists references, never values.
func (c secretListCmd) Run(t Terminal) error {
	ctx, cancel := context.WithTimeout(context.Background(), personTime)
	defer cancel()
	infos, err := backend.Secrets(ctx, c.options(t))
	if err != nil {
		return err
	}
	if c.JSON {
		e := json.NewEncoder(t.Out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(infos)
	}
	if len(infos) == 0 {
		t.say("The vault is empty.")
		return nil
	}
	w := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
	for _, x := range infos {
		who := strings.Join(x.UsedBy, ", ")
		if who == "" {
			who = "not used"
		}
		if x.Missing {
			who += " (missing: lockbox secret set " + x.Ref + ")"
		}
		if _, err := fmt.Fprintf(w, "%s\t%s\n", x.Ref, who); err != nil {
			return err
		}
	}
	return w.Flush()
}

func inVault(name string) string {
	if name == config.KeychainVault {
		return "the keychain"
	}
	return name
}

// takenOver says when a Lockbox that is running knows.
func takenOver(vault string) string {
	if vault == config.KeychainVault {
		return "A running Lockbox takes that over when it reads its config again: send it SIGHUP, or press Read the config again in its window."
	}
	return "A running Lockbox takes that over by itself."
}

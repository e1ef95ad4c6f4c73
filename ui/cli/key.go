package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"lockbox/proxy/secret"
	"lockbox/proxy/token"
	"lockbox/ui/backend"
)

// maxKey bounds a signing key that is imported, in bytes.
const maxKey = 2048

type keyCmd struct {
	Show   keyShowCmd   `cmd:"" help:"Say where the signing key is, and which former ones still count; never the key."`
	Rotate keyRotateCmd `cmd:"" help:"Make a new signing key."`
	Import keyImportCmd `cmd:"" help:"Take a key file over, such as the Python original's, byte for byte."`
}

type keyShowCmd struct {
	JSON bool `name:"json" help:"As JSON."`
	place
}

// Run says what there is to say of the keys.
func (c keyShowCmd) Run(t Terminal) error {
	ctx, cancel := context.WithTimeout(context.Background(), personTime)
	defer cancel()
	info, err := backend.KeysOf(ctx, c.options(t))
	if err != nil {
		return err
	}
	if c.JSON {
		text, err := json.MarshalIndent(info, "", "  ")
		if err != nil {
			return err
		}
		return t.answer("%s", text)
	}
	strength := "strong"
	if info.Weak {
		strength = fmt.Sprintf("weak: %d bytes or more cannot be guessed", token.WeakKeyLength)
	}
	if err := t.answer("Kept in: %s\nLength: %d bytes (%s)\nReplaced: %s", info.Source, info.Length, strength, date(info.Replaced)); err != nil {
		return err
	}
	for _, until := range info.Former {
		if err := t.answer("A former key counts until %s", date(until)); err != nil {
			return err
		}
	}
	return nil
}

// grace is how long the former key still counts.
type grace struct {
	Grace graceTime `default:"7d" placeholder:"7d|12h|0" help:"How long tokens that were made with the former key are good; 0 ends them at once."`
}

type graceTime time.Duration

// UnmarshalText implements encoding.TextUnmarshaler, for kong.
func (g *graceTime) UnmarshalText(text []byte) error {
	if string(text) == "0" {
		*g = 0
		return nil
	}
	d, err := parseLifetime(string(text))
	*g = graceTime(d)
	return err
}

// say tells what became of the tokens that are out.
func (g grace) say(t Terminal) {
	if g.Grace == 0 {
		t.say("The signing key is replaced: tokens that were made before are refused.")
		return
	}
	t.say("The signing key is replaced: tokens that were made before are good until %s, or until they expire.", date(time.Now().Add(time.Duration(g.Grace))))
}

type keyRotateCmd struct {
	grace
	place
}

// Run makes a new key.
func (c keyRotateCmd) Run(t Terminal) error {
	return c.replace(t, c.options(t), backend.NewSigningKey())
}

func (g grace) replace(t Terminal, o backend.Options, key secret.Value) error {
	ctx, cancel := context.WithTimeout(context.Background(), personTime)
	defer cancel()
	if err := backend.ReplaceKey(ctx, o, key, time.Duration(g.Grace)); err != nil {
		return err
	}
	g.say(t)
	return nil
}

type keyImportCmd struct {
	File string `arg:"" type:"existingfile" help:"The key file. A line break at its end belongs to the key, as it does for the original."`
	grace
	place
}

// Run takes the key over.
func (c keyImportCmd) Run(t Terminal) error {
	text, err := os.ReadFile(c.File)
	if err != nil {
		return fmt.Errorf("the key file cannot be read: %w", err)
	}
	if len(text) > maxKey {
		return fmt.Errorf("%s has %d bytes, and a key has at most %d: is it the right file?", c.File, len(text), maxKey)
	}
	o := c.options(t)
	if o.SigningKeyFile != "" && sameFile(o.SigningKeyFile, c.File) {
		return errors.New("this file is the signing key already")
	}
	if len(text) < token.WeakKeyLength {
		t.say("warning: the key is short (%d bytes): tokens could be forged by guessing it; lockbox key rotate makes a strong one", len(text))
	}
	return c.replace(t, o, secret.New(string(text)))
}

func sameFile(a, b string) bool {
	ia, errA := os.Stat(a)
	ib, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(ia, ib)
}

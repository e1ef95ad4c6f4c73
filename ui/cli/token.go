package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
	"lockbox/proxy/token"
	"lockbox/ui/backend"
)

// personTime is how long a command may take that works with the vault, for whose
// passphrase a person may be asked.
const personTime = 10 * time.Minute

type tokenCmd struct {
	ServiceName string   `required:"" placeholder:"NAME" help:"Service that the token opens."`
	Audience    string   `required:"" placeholder:"WHO" help:"Who the token is for, such as zapier."`
	Duration    lifetime `default:"3600" placeholder:"3600|12h|90d" help:"How long the token is valid: seconds, or a number with m, h, d or w."`
	place
}

// Run prints the token, and nothing else, on stdout.
func (c tokenCmd) Run(t Terminal) error {
	if err := config.CheckName(c.ServiceName); err != nil {
		return fmt.Errorf("--service-name: %w", err)
	}
	if err := config.CheckAudience(c.Audience); err != nil {
		return fmt.Errorf("--audience: %w", err)
	}
	o := c.options(t)
	key, err := signingKey(t, o)
	if err != nil {
		return err
	}
	value, _, err := token.Issue(key, c.ServiceName, c.Audience, time.Duration(c.Duration), time.Now())
	if err != nil {
		return err
	}
	c.warn(t, o)
	return t.answer("%s", value.Reveal())
}

// warn says what a person may want to know about a token that is good in
// itself. The original made tokens without looking at a config, so that none,
// or a broken one, is nothing to speak of here.
func (c tokenCmd) warn(t Terminal, o backend.Options) {
	cfg, err := config.Load(o.ConfigPath)
	if err != nil {
		return
	}
	svc := cfg.Services[c.ServiceName]
	switch {
	case svc == nil:
		t.say("warning: %s has no service %q", o.ConfigPath, c.ServiceName)
	case !svc.RequiresServiceToken:
		t.say("warning: the service %q is open to callers without a token", c.ServiceName)
	case svc.ValidAudiences != nil && !slices.Contains(svc.ValidAudiences, c.Audience):
		t.say("warning: the service %q does not accept the audience %q: see its valid_audiences in %s", c.ServiceName, c.Audience, o.ConfigPath)
	}
}

type adminTokenCmd struct {
	Duration lifetime `default:"3600" placeholder:"3600|12h|90d" help:"How long the token is valid: seconds, or a number with m, h, d or w."`
	place
}

// Run prints the token, and nothing else, on stdout.
func (c adminTokenCmd) Run(t Terminal) error {
	key, err := signingKey(t, c.options(t))
	if err != nil {
		return err
	}
	value, err := token.IssueAdmin(key, time.Duration(c.Duration), time.Now())
	if err != nil {
		return err
	}
	return t.answer("%s", value.Reveal())
}

func signingKey(t Terminal, o backend.Options) (secret.Value, error) {
	ctx, cancel := context.WithTimeout(context.Background(), personTime)
	defer cancel()
	key, source, err := backend.SigningKey(ctx, o)
	switch {
	case errors.Is(err, secret.ErrNotFound) && o.SigningKeyFile == "":
		return key, fmt.Errorf("there is no signing key yet: start Lockbox once, which makes one, or name a file with --signing-key-file (%w)", err)
	case errors.Is(err, secret.ErrUnavailable) && o.SigningKeyFile == "":
		return key, fmt.Errorf("no signing key was found: start Lockbox once, which makes one, or name a file with --signing-key-file (%w)", err)
	case err != nil:
		return key, err
	}
	if key.Len() < token.WeakKeyLength {
		t.say("warning: the signing key in %s is short (%d bytes): one of %d random bytes or more cannot be guessed", source, key.Len(), token.WeakKeyLength)
	}
	return key, nil
}

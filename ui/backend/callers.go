package backend

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lockbox/proxy/config"
)

// Limits is how often something may call; the zero Limits are none.
type Limits = config.Limits

// LeakGuard is what becomes of a service's credential where an answer has it.
type LeakGuard = config.LeakGuard

// The choices.
const (
	LeakGuardOn     = config.LeakGuardOn
	LeakGuardStrict = config.LeakGuardStrict
	LeakGuardOff    = config.LeakGuardOff
)

// Control is what a service holds its callers to.
type Control struct {
	Rules       []Rule            // in order
	Limits      Limits            // for all callers together
	EachToken   Limits            // for each token by itself
	TokenLimits map[string]Limits // by audience or token id; SaveControl leaves them alone
	Duplicates  time.Duration     // how long an answer is given again to the same call; 0: never
	LeakGuard   LeakGuard
	Drift       DriftChoice // "": what the settings say
}

// Control is what a service holds its callers to now.
func (b *Backend) Control(service string) (Control, error) {
	svc, err := b.service(service)
	if err != nil {
		return Control{}, err
	}
	return Control{
		Rules: slices.Clone(svc.Rules), Limits: svc.Limits, EachToken: svc.EachToken, TokenLimits: svc.TokenLimits,
		Duplicates: svc.Duplicates, LeakGuard: svc.LeakGuard, Drift: svc.Drift,
	}, nil
}

// SaveControl holds a service's callers to c, from the next call on. On failure
// nothing has changed.
func (b *Backend) SaveControl(ctx context.Context, service string, c Control) error {
	return b.editControl(ctx, service, func(svc *config.Service) error {
		svc.Rules, svc.Limits, svc.EachToken = c.Rules, c.Limits, c.EachToken
		svc.Duplicates, svc.LeakGuard, svc.Drift = c.Duplicates, c.LeakGuard, c.Drift
		return nil
	})
}

// SaveRules gives a service these rules, from the next call on, and leaves the rest
// that it holds its callers to. On failure nothing has changed.
func (b *Backend) SaveRules(ctx context.Context, service string, rules []Rule) error {
	return b.editControl(ctx, service, func(svc *config.Service) error {
		svc.Rules = rules
		return nil
	})
}

// editControl changes what a service holds its callers to, from the next call on.
func (b *Backend) editControl(ctx context.Context, service string, edit func(*config.Service) error) error {
	return b.editService(ctx, service, "saving what callers of "+service+" may do", edit, config.SetControl)
}

// editService changes a service and has put write it into the config file.
func (b *Backend) editService(ctx context.Context, service, what string, edit func(*config.Service) error, put func(src []byte, svc *config.Service) ([]byte, error)) error {
	b.edit.Lock()
	defer b.edit.Unlock()
	current, src, err := b.readConfig(ctx)
	if err != nil {
		return err
	}
	svc := current.Services[service]
	if svc == nil {
		return fmt.Errorf("the service %q is no longer in %s: it was removed there", service, b.opts.ConfigPath)
	}
	wanted := *svc
	if err := edit(&wanted); err != nil {
		return err
	}
	edited, err := put(src, &wanted)
	if err != nil {
		return err
	}
	if _, err := config.Parse(b.opts.ConfigPath, edited); err != nil {
		return err
	}
	c := change{what: what}
	c.write(b.opts.ConfigPath, edited)
	return b.changes.make(ctx, c, b.use)
}

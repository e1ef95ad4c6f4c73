package backend

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"lockbox/proxy/config"
	"lockbox/proxy/policy"
)

// Rule says what becomes of the calls to a service that fit it.
type Rule = config.Rule

// RuleVerdict is what rules say of a call.
type RuleVerdict = policy.Verdict

// RuleCall is a call that rules are tried on, made or not.
type RuleCall struct {
	Method   string
	Target   string // below the service, as a caller sends it: /repos/a?page=2
	Header   http.Header
	Body     []byte
	Unknown  bool // the body is not known, or not all of it
	Audience []string
	TokenID  string
}

// Rules are the rules of a service, in order.
func (b *Backend) Rules(service string) ([]Rule, error) {
	svc, err := b.service(service)
	if err != nil {
		return nil, err
	}
	return slices.Clone(svc.Rules), nil
}

// SaveRules gives a service these rules, for the next call on. On failure nothing
// has changed.
func (b *Backend) SaveRules(ctx context.Context, service string, rules []Rule) error {
	return b.editRules(ctx, service, func([]Rule) ([]Rule, error) { return rules, nil })
}

// editRules changes the rules of a service, for the next call on.
func (b *Backend) editRules(ctx context.Context, service string, edit func([]Rule) ([]Rule, error)) error {
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
	rules, err := edit(svc.Rules)
	if err != nil {
		return err
	}
	edited, err := config.SetRules(src, service, rules)
	if err != nil {
		return err
	}
	if _, err := config.Parse(b.opts.ConfigPath, edited); err != nil {
		return err
	}
	c := change{what: "saving the rules of " + service}
	c.write(b.opts.ConfigPath, edited)
	return b.changes.make(ctx, c, b.use)
}

// TryRules is what rules, saved or not, say of a call. The error is about rules
// that cannot be used, or a call that could not be made.
func TryRules(rules []Rule, call RuleCall) (RuleVerdict, error) {
	checker, err := policy.Compile(rules)
	if err != nil {
		return RuleVerdict{}, err
	}
	path, query, _ := strings.Cut(call.Target, "?")
	switch {
	case call.Method == "":
		return RuleVerdict{}, errors.New("a call needs a method, such as GET")
	case path != "" && path[0] != '/':
		return RuleVerdict{}, fmt.Errorf("the path %q must begin with /, which is where the service's address ends", path)
	case strings.ContainsAny(call.Target, " #"):
		return RuleVerdict{}, errors.New("the path has a space or #, which no call can have: write %20 or %23")
	}
	r := policy.Request{
		Method: call.Method, Path: path, Query: query, Header: call.Header,
		Length: int64(len(call.Body)), Body: call.Body, Audience: call.Audience, JTI: call.TokenID,
	}
	if call.Unknown {
		r.Length, r.Body = -1, nil
	}
	return checker.Check(&r), nil
}

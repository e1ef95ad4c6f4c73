package backend

import (
	"errors"
	"fmt"
	"net/http"
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
	c, err := b.Control(service)
	return c.Rules, err
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

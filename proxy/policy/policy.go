// Package policy says what a call to a service may do. Its rules are held against
// every way in which an upstream could read the call: one that allows has to fit
// in all of them, one that denies in any.
package policy

import (
	"fmt"
	"net/http"

	"lockbox/proxy/config"
)

// Request is what rules are held against.
type Request struct {
	Method string
	Path   string // below the service as it came, encoded: "" or from a slash on
	Query  string // as it came
	// Header has its Content-Type, Content-Encoding and what else would change
	// how it is read.
	Header   http.Header
	Trailer  http.Header // only the names count
	Length   int64       // of the body; -1: not known
	Body     []byte      // all of it; nil: not known, if Length is not 0
	Audience []string    // of the caller's service token
	JTI      string
}

// Verdict is what the rules say of a call.
type Verdict struct {
	Action config.Action
	Index  int    // of the rule that decides, from 0; -1: none does
	Rule   string // that rule in a line, its number first: "2 allow GET /repos/**"; "" for none
	Code   Code   // why
	Reason string // why it is not allowed, in a sentence or two; "" if it is
	Limit  int64  // how many bytes the body may have; 0: any number
	// NeedsBody says that the body has to be known, and is not: then the action is
	// Deny. A call with its Body gets another verdict.
	NeedsBody bool
}

// Code is why a call gets its verdict.
type Code string

// The codes.
const (
	ByRule     Code = "rule"            // the one of Index
	NoRules    Code = "no_rules"        // there are none: allowed
	NoMatch    Code = "no_rule_matched" // the default: allowed if all rules deny, or else denied
	Path       Code = "path_ambiguous"  // upstreams could read the path differently
	Override   Code = "method_override" // it asks for another method than its own
	Body       Code = "body_ambiguous"  // it cannot be told what the body says
	BodyNeeded Code = "body_needed"     // see Verdict.NeedsBody
)

// Checker holds the rules of a service, made ready. Nil has none: all is allowed.
type Checker struct {
	rules  []rule
	strict bool // what no rule fits is denied
}

// Compile makes rules ready. Those that config.CheckRules refuses are an error.
func Compile(rules []config.Rule) (*Checker, error) {
	if err := config.CheckRules(rules); err != nil {
		return nil, err
	}
	if len(rules) == 0 {
		return nil, nil
	}
	c := &Checker{rules: make([]rule, len(rules))}
	for i, r := range rules {
		c.rules[i] = compile(i, r)
		c.strict = c.strict || r.Action != config.Deny
	}
	return c, nil
}

// ReadsBodies reports whether a rule has conditions on bodies.
func (c *Checker) ReadsBodies() bool {
	if c == nil {
		return false
	}
	for i := range c.rules {
		if len(c.rules[i].Body) > 0 {
			return true
		}
	}
	return false
}

// BodyLimit is how many bytes a body may have that is read for rules.
func (c *Checker) BodyLimit() int64 {
	limit := int64(1 << 20)
	for i := range c.rules {
		if len(c.rules[i].Body) > 0 {
			limit = max(limit, c.rules[i].MaxBody)
		}
	}
	return limit
}

// Check says what becomes of a call.
//
// A rule that may fit, by one reading of the call and not by another, counts where
// it is stricter than what comes after it.
func (c *Checker) Check(r *Request) Verdict {
	if c == nil {
		return Verdict{Action: config.Allow, Index: -1, Code: NoRules}
	}
	if why := overrides(r); why != "" {
		return Verdict{Action: config.Deny, Index: -1, Code: Override, Reason: why}
	}
	v := view{Request: r}
	if why := v.readPath(); why != "" {
		return Verdict{Action: config.Deny, Index: -1, Code: Path, Reason: why}
	}
	return c.decide(&v)
}

// decide goes through the rules.
func (c *Checker) decide(v *view) Verdict {
	asks := -1
	for i := range c.rules {
		rl := &c.rules[i]
		fits := rl.fits(v)
		switch {
		case v.unread != "":
			return Verdict{Action: config.Deny, Index: i, Rule: rl.text, Code: Body, Reason: rl.undecided(v.unread)}
		case v.needsBody:
			return Verdict{Action: config.Deny, Index: i, Rule: rl.text, Code: BodyNeeded, NeedsBody: true, Reason: rl.undecided("it depends on the body")}
		case fits == no:
		case rl.Action == config.Deny:
			return rl.verdict(0)
		case fits == maybe && rl.Action == config.Ask:
			if asks < 0 {
				asks = i
			}
		case fits == maybe: // it does not allow
		case asks >= 0:
			return c.rules[asks].verdict(rl.MaxBody)
		default:
			return rl.verdict(rl.MaxBody)
		}
	}
	switch {
	case c.strict:
		return Verdict{Action: config.Deny, Index: -1, Code: NoMatch, Reason: v.unmatched()}
	case asks >= 0:
		return c.rules[asks].verdict(0)
	}
	return Verdict{Action: config.Allow, Index: -1, Code: NoMatch}
}

// unmatched is why no rule allows the call.
func (v *view) unmatched() string {
	if v.odd != "" {
		return "No rule of the service allows this call for sure: " + v.odd + "."
	}
	return "No rule of the service allows this call."
}

// rule is one that was made ready.
type rule struct {
	config.Rule
	index  int
	text   string // with its number
	folded string // the path, see fold
	fields []field
	denied string // what a caller is told
}

func compile(i int, r config.Rule) rule {
	c := rule{Rule: r, index: i, text: fmt.Sprintf("%d %s", i+1, r), folded: fold(r.Path)}
	for _, b := range r.Body {
		c.fields = append(c.fields, compileField(b))
	}
	word := "denies this call"
	if r.Action == config.Ask {
		word = "wants a person's yes to this call"
	}
	c.denied = fmt.Sprintf("Rule %d of the service (%s) %s.", i+1, r, word)
	if r.Note != "" {
		c.denied += " " + r.Note
	}
	return c
}

func (r *rule) verdict(limit int64) Verdict {
	v := Verdict{Action: r.Action, Index: r.index, Rule: r.text, Code: ByRule, Limit: limit}
	if r.Action != config.Allow {
		v.Reason = r.denied
	}
	return v
}

// undecided is why it cannot be said whether the rule fits.
func (r *rule) undecided(why string) string {
	return fmt.Sprintf("It cannot be said whether rule %s fits this call: %s.", r.text, why)
}

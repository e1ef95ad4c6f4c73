// Package learn proposes rules for a service from the calls that it had: IDs in
// their paths become *, and the rest stays as it was seen.
package learn

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"

	"lockbox/proxy/config"
	"lockbox/proxy/policy"
)

// deepest is how many segments of a path are told apart.
const deepest = 24

// MaxRules is how many rules are proposed at most where nothing else is said.
const MaxRules = 20

// Learner takes in calls. The zero one has seen none.
type Learner struct {
	root node
	left map[string]*tally // by why no rule can allow them
	all  *policy.Checker
}

// Proposal is what a Learner makes of its calls.
type Proposal struct {
	Rules []Learnt
	Left  []Left // what no rule can allow
}

// Learnt is a proposed rule, and the calls that it comes from.
type Learnt struct {
	Rule          config.Rule
	Calls, Failed int      // Failed are those that the upstream did not take
	Examples      []string // "GET /repos/a/b", a few
}

// Left are calls that no rule can allow.
type Left struct {
	Reason   string // a sentence
	Calls    int
	Examples []string
}

// Add takes in a call. failed says that the upstream did not take it.
func (l *Learner) Add(r *policy.Request, failed bool) {
	example := r.Method + " " + cmp.Or(r.Path, "/")
	path, why := l.path(r)
	if why != "" {
		if l.left == nil {
			l.left = map[string]*tally{}
		}
		if l.left[why] == nil {
			l.left[why] = &tally{}
		}
		l.left[why].note(example, failed)
		return
	}
	n := &l.root
	n.calls++
	segments := strings.SplitN(path[1:], "/", deepest+1)
	for i, segment := range segments {
		if i < deepest {
			n = n.child(segment)
		} else {
			n = n.id(rest, "")
		}
		n.calls++
	}
	t := n.end(r.Method)
	t.note(example, failed)
	for name, value := range verbs(r.Query) {
		t.verb(name, value, 1)
	}
}

// path is the decoded path of a call, or why no rule can allow it.
func (l *Learner) path(r *policy.Request) (path, why string) {
	if l.all == nil {
		l.all, _ = policy.Compile([]config.Rule{{Action: config.Allow}}) // which is good
	}
	if v := l.all.Check(r); v.Action != config.Allow {
		return "", v.Reason
	}
	if config.CheckRules([]config.Rule{{Action: config.Allow, Methods: []string{r.Method}}}) != nil {
		return "", "A rule names methods in capitals only."
	}
	path, err := url.PathUnescape(cmp.Or(r.Path, "/"))
	if err != nil { // the checker has decoded it before
		return "", "The path cannot be decoded."
	}
	return path, ""
}

// mostVerbs is how many values a parameter can have that says what is to be done.
const mostVerbs = 10

// verbs are the parameters of a query that say what is to be done, where it is not
// the path that does.
func verbs(query string) map[string]string {
	if query == "" {
		return nil
	}
	var out map[string]string
	for name, values := range parse(query) {
		switch name {
		case "action", "method", "op", "operation", "cmd", "command", "function", "do":
			if len(values) == 1 && plainValue(values[0]) {
				if out == nil {
					out = map[string]string{}
				}
				out[name] = values[0]
			}
		}
	}
	return out
}

func parse(query string) url.Values {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil
	}
	return values
}

func plainValue(s string) bool {
	return s != "" && len(s) <= 60 && word.MatchString(s)
}

// Propose is the smallest set of up to limit rules, readable ones, that allows
// what was seen. If more are needed, some become wider than that. for is whose
// calls they are; nil is anyone's.
func (l *Learner) Propose(limit int, callers []string) Proposal {
	l.root.settle()
	var p Proposal
	drafts := narrow(l.root.drafts(nil, nil), max(limit, 1))
	for _, d := range drafts {
		r := config.Rule{Action: config.Allow, Methods: d.methods, Path: "/" + strings.Join(d.path, "/"), Query: d.query, For: callers}
		p.Rules = append(p.Rules, Learnt{Rule: r, Calls: d.calls, Failed: d.failed, Examples: d.examples})
	}
	slices.SortStableFunc(p.Rules, func(a, b Learnt) int { return cmp.Compare(a.Rule.Path, b.Rule.Path) })
	for _, reason := range slices.Sorted(maps.Keys(l.left)) {
		t := l.left[reason]
		p.Left = append(p.Left, Left{Reason: reason, Calls: t.calls, Examples: t.examples})
	}
	return p
}

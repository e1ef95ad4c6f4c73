package learn

import (
	"maps"
	"slices"
	"strings"
)

// Where IDs are told from words by how they are used.
const (
	constant    = 20   // calls that have one ID in a place and no other: it is part of the address
	fewest      = 8    // different segments in a place before they can be IDs
	fewestWords = 16   // and where they read as words
	mostKept    = 2000 // in a place; with more they are IDs
	// unseen is the share of calls to come that a list of the segments so far would
	// refuse, above which they are IDs. The share is estimated by Good and Turing
	// (I. J. Good, Biometrika 40, 1953): that of the calls whose segment came once.
	unseen = 0.05
	// mostKinds is how many prefixes IDs in a place can have, as in cus_Nf83bzZ; with
	// more, those are a part of the IDs.
	mostKinds = 3
)

// node is a place in the paths that were seen.
type node struct {
	calls   int // that end here or below
	words   map[string]*node
	ids     map[string]*node // by their shape
	only    string           // of an ID's node: the ID, while there is one
	several bool
	ends    map[string]*tally // by method: calls that end here
}

// tally is what is known of calls.
type tally struct {
	calls, failed int
	examples      []string
	verbs         map[string]map[string]int // of the query: the values of names that say what is to be done
}

// child is the node for a segment.
func (n *node) child(segment string) *node {
	if shape, isID := shapeOf(segment); isID {
		return n.id(shape, segment)
	}
	if c := n.words[segment]; c != nil {
		return c
	}
	if len(n.words) >= mostKept {
		n.blur()
		return n.id(wildcard, segment)
	}
	if n.words == nil {
		n.words = map[string]*node{}
	}
	c := &node{}
	n.words[segment] = c
	return c
}

// id is the node for IDs of one shape.
func (n *node) id(shape, segment string) *node {
	if n.ids == nil {
		n.ids = map[string]*node{}
	}
	c := n.ids[shape]
	if c == nil {
		c = &node{only: segment}
		n.ids[shape] = c
	}
	c.several = c.several || c.only != segment
	return c
}

// add adds what is known of m to n.
func (n *node) add(m *node) {
	n.calls += m.calls
	for method, t := range m.ends {
		n.end(method).add(t)
	}
	for name, c := range m.words {
		n.child(name).add(c)
	}
	for shape, c := range m.ids {
		n.join(shape, c)
	}
}

// join adds what is known of IDs to those of a shape.
func (n *node) join(shape string, c *node) {
	to := n.id(shape, c.only)
	to.several = to.several || c.several
	to.add(c)
}

func (n *node) end(method string) *tally {
	if n.ends == nil {
		n.ends = map[string]*tally{}
	}
	t := n.ends[method]
	if t == nil {
		t = &tally{}
		n.ends[method] = t
	}
	return t
}

// blur takes all words in this place for IDs.
func (n *node) blur() {
	words := n.words
	n.words = nil
	for _, name := range slices.Sorted(maps.Keys(words)) {
		n.id(wildcard, name).add(words[name])
	}
}

// settle tells IDs from words in all places, from the ends of the paths on.
func (n *node) settle() {
	for _, c := range n.words {
		c.settle()
	}
	for _, c := range n.ids {
		c.settle()
	}
	blurs := n.varies()
	if blurs {
		n.blur()
	}
	if blurs || n.mixed() {
		n.mix()
		for _, c := range n.ids { // several places have become one
			c.settle()
		}
	}
	for shape, c := range n.ids {
		if !c.several && c.calls >= constant && shape != rest && !strings.ContainsAny(c.only, meta) {
			delete(n.ids, shape)
			n.words = maps.Collect(maps.All(n.words)) // nil becomes one that can be written
			n.words[c.only] = c
		}
	}
}

// mix has * stand for IDs however they begin.
func (n *node) mix() {
	ids := n.ids
	n.ids = nil
	for _, shape := range slices.Sorted(maps.Keys(ids)) {
		to := shape
		if strings.HasSuffix(shape, "_"+wildcard) {
			to = wildcard
		}
		n.join(to, ids[shape])
	}
}

// mixed reports whether the IDs in this place begin in too many ways.
func (n *node) mixed() bool {
	kinds := 0
	for shape := range n.ids {
		if strings.HasSuffix(shape, "_"+wildcard) {
			kinds++
		}
	}
	return kinds > mostKinds
}

// varies reports whether the words in this place are names of things, of which
// there will be more: many, some of them seen once, and all used alike.
func (n *node) varies() bool {
	k, calls, once, read := len(n.words), 0, 0, 0
	uses := map[string]int{}
	for name, c := range n.words {
		calls += c.calls
		if c.calls == 1 {
			once++
		}
		if word.MatchString(name) {
			read++
		}
		for u := range c.uses {
			uses[u]++
		}
	}
	least := fewest
	if 2*read > k {
		least = fewestWords
	}
	if k < least || float64(once) < unseen*float64(calls) {
		return false
	}
	alike := 0
	for _, c := range n.words {
		for u := range c.uses {
			if 3*uses[u] >= k {
				alike++
				break
			}
		}
	}
	return 5*alike >= 4*k
}

// uses gives the ways in which calls end below: the methods, and the next segment.
func (n *node) uses(yield func(string) bool) {
	for method := range n.ends {
		if !yield(method) {
			return
		}
	}
	for name := range n.words {
		if !yield("/" + name) {
			return
		}
	}
	for shape := range n.ids {
		if !yield("/" + shape) {
			return
		}
	}
}

func (t *tally) add(o *tally) {
	t.calls += o.calls
	t.failed += o.failed
	for _, e := range o.examples {
		t.show(e)
	}
	for name, values := range o.verbs {
		for v, calls := range values {
			t.verb(name, v, calls)
		}
	}
}

// note takes in a call.
func (t *tally) note(example string, failed bool) {
	t.calls++
	if failed {
		t.failed++
	}
	t.show(example)
}

// shown is how many examples are kept.
const shown = 3

func (t *tally) show(example string) {
	if len(t.examples) < shown && !slices.Contains(t.examples, example) {
		t.examples = append(t.examples, example)
	}
}

func (t *tally) verb(name, value string, calls int) {
	if t.verbs == nil {
		t.verbs = map[string]map[string]int{}
	}
	if t.verbs[name] == nil {
		t.verbs[name] = map[string]int{}
	}
	if values := t.verbs[name]; len(values) <= mostVerbs || values[value] > 0 {
		values[value] += calls
	}
}

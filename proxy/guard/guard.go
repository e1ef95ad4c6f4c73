// Package guard finds the secrets of a service in what its upstream answers, in
// all the forms of secret.EveryForm, and puts Mark in their place. It knows of
// answers and WebSockets, and nothing of Lockbox.
package guard

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"unsafe"

	"lockbox/proxy/secret"
)

// Mark stands where a secret stood.
const Mark = "[redacted by lockbox]"

// MinLength is that of the shortest secret that is looked for: shorter ones stand
// in texts by chance.
const MinLength = 8

// gramLength is how many bytes are looked at in one place.
const gramLength = 4

// tableBits are those of a gram's hash.
const tableBits = 15

// Guard looks for secrets. It is immutable, and nil looks for none.
//
// The shortest form says how: with m bytes it has m-3 neighbouring grams of four
// bytes, so that of any text only every (m-3)th gram has to be looked at. If it
// is none of those that forms have in their last m-3 places, which a table of
// hashes tells, there is no secret. A key of 40 letters costs one look in 37 bytes,
// and no look waits for the one before, which an Aho-Corasick automaton's do for
// each byte.
type Guard struct {
	base    *Guard // looks for more secrets; nil: there are none
	secrets []secret.Value
	forms   []string
	longest int

	step   int
	table  *[1 << tableBits]uint8 // 1 for each hash of a gram
	places map[uint32][]place

	// reach is, for each byte, the length of the longest form that begins with it.
	reach [256]int32
	heads [256][]string // the forms by their first byte
}

// place is where a form has a gram.
type place struct {
	form   string
	offset int
}

// New makes a Guard for secrets, nil if there are none to look for. Of those that
// are too short for that, see Short.
func New(secrets ...secret.Value) *Guard { return (*Guard)(nil).With(secrets...) }

// With is a Guard for more secrets. Making it costs nothing for those that g knows,
// and with it each text is looked through once more.
func (g *Guard) With(secrets ...secret.Value) *Guard {
	if g.Knows(secrets...) {
		return g
	}
	more := &Guard{base: g}
	for _, v := range secrets {
		if v.Len() < MinLength || g.Knows(v) {
			continue
		}
		more.secrets = append(more.secrets, v)
		for _, form := range secret.EveryForm(v) {
			if len(form) >= MinLength {
				more.forms = append(more.forms, form)
			}
		}
	}
	more.compile()
	return more
}

func (g *Guard) compile() {
	slices.SortFunc(g.forms, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	g.forms = slices.Compact(g.forms) // one secret may be part of another
	g.longest = len(g.forms[len(g.forms)-1])
	g.step = len(g.forms[0]) - gramLength + 1
	g.table = new([1 << tableBits]uint8)
	g.places = make(map[uint32][]place, g.step*len(g.forms))
	for _, form := range g.forms {
		c := form[0]
		g.reach[c] = max(g.reach[c], int32(len(form))) //nolint:gosec // a header's length at most
		g.heads[c] = append(g.heads[c], form)
		// The last ones: keys of a kind, and JWTs above all, begin alike.
		for i := len(form) - gramLength - g.step + 1; i <= len(form)-gramLength; i++ {
			gram := binary.LittleEndian.Uint32([]byte(form[i : i+gramLength]))
			g.table[hash(gram)] = 1
			g.places[gram] = append(g.places[gram], place{form, i})
		}
	}
}

// Short is how many secrets a Guard would not look for, because they are shorter
// than MinLength.
func Short(secrets ...secret.Value) int {
	n := 0
	for _, v := range secrets {
		if !v.IsZero() && v.Len() < MinLength {
			n++
		}
	}
	return n
}

// spread is Knuth's multiplier for hashes: 2^32 by the golden ratio.
const spread = 2654435769

func hash(gram uint32) uint32 { return gram * spread >> (32 - tableBits) }

// String keeps the secrets out of what prints a Guard.
func (*Guard) String() string { return secret.Redacted }

// Knows reports whether g looks for all of these that can be looked for.
func (g *Guard) Knows(secrets ...secret.Value) bool {
	for _, v := range secrets {
		if v.Len() >= MinLength && !g.has(v) {
			return false
		}
	}
	return true
}

func (g *Guard) has(v secret.Value) bool {
	return g != nil && (slices.ContainsFunc(g.secrets, v.Equal) || g.base.has(v))
}

// span is where a form stands.
type span struct{ start, end int }

// find appends where forms stand in p, by where they begin. They may overlap.
func (g *Guard) find(p []byte, found []span) []span {
	for ; g != nil; g = g.base {
		found = g.search(p, found)
	}
	if len(found) > 1 {
		slices.SortFunc(found, func(a, b span) int { return a.start - b.start })
	}
	return found
}

// search appends where g's own forms stand, in any order.
func (g *Guard) search(p []byte, found []span) []span {
	step, table := g.step, g.table
	i := 0
	if len(p) >= gramLength {
		// The condition of the loop bounds every look; checks of each of them would
		// take longer than the looks.
		first := unsafe.Pointer(unsafe.SliceData(p)) //nolint:gosec // as above
		at := func(i int) uint32 {
			return hash(binary.LittleEndian.Uint32((*[gramLength]byte)(unsafe.Add(first, i))[:]))
		}
		// Four looks at a time: each by itself waits for memory, together they do not.
		for ; i+3*step+gramLength <= len(p); i += 4 * step {
			if table[at(i)]|table[at(i+step)]|table[at(i+2*step)]|table[at(i+3*step)] == 0 {
				continue
			}
			for k := range 4 {
				found = g.look(p, i+k*step, found)
			}
		}
	}
	for ; i+gramLength <= len(p); i += step {
		found = g.look(p, i, found)
	}
	return found
}

// look appends what the gram at i is part of.
func (g *Guard) look(p []byte, i int, found []span) []span {
	gram := binary.LittleEndian.Uint32(p[i:])
	if g.table[hash(gram)] == 0 {
		return found
	}
	for _, at := range g.places[gram] {
		start := i - at.offset
		end := start + len(at.form)
		if start >= 0 && end <= len(p) && string(p[start:end]) == at.form {
			found = append(found, span{start, end})
		}
	}
	return found
}

// tail is where the longest end of p begins that a form begins with, len(p) if
// there is none.
func (g *Guard) tail(p []byte) int {
	from := len(p)
	for ; g != nil; g = g.base {
		from = min(from, g.begins(p))
	}
	return from
}

// begins is tail of g's own forms.
func (g *Guard) begins(p []byte) int {
	for i := max(0, len(p)-g.longest+1); i < len(p); i++ {
		rest := p[i:]
		if len(rest) >= int(g.reach[rest[0]]) {
			continue
		}
		for _, form := range g.heads[rest[0]] {
			if len(rest) < len(form) && form[:len(rest)] == string(rest) {
				return i
			}
		}
	}
	return len(p)
}

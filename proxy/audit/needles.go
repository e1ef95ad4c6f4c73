package audit

import (
	"slices"
	"strings"
)

// needles finds out whether one of many texts is in another, in one go and without a
// look at most of its bytes (Wu and Manber, "A fast algorithm for multi-pattern
// searching"): every body is searched for every form of every secret.
type needles struct {
	texts  []string
	window int // how many of their first bytes are looked for together
	// skip is how far the window can go on by the two bytes that it ends with: to
	// where they are in the first bytes of a text.
	skip [blocks]uint8
}

const blocks = 1 << 10

// block is where two bytes are in skip, together with others that do no harm.
func block(a, b byte) int { return (int(a)<<5 ^ int(b)) % blocks }

// newNeedles takes at least one text, of at least two bytes each.
func newNeedles(texts []string) *needles {
	n := &needles{texts: texts, window: 255}
	for _, t := range texts {
		n.window = min(n.window, len(t))
	}
	for i := range n.skip {
		n.skip[i] = uint8(n.window - 1) //nolint:gosec // 254 at most
	}
	for _, t := range texts {
		for end := 2; end <= n.window; end++ {
			skip := &n.skip[block(t[end-2], t[end-1])]
			*skip = min(*skip, uint8(n.window-end)) //nolint:gosec // 253 at most
		}
	}
	return n
}

// in reports whether one of the texts is in s.
func (n *needles) in(s string) bool {
	for end := n.window; end <= len(s); {
		if skip := n.skip[block(s[end-2], s[end-1])]; skip > 0 {
			end += int(skip)
			continue
		}
		rest := s[end-n.window:]
		for _, t := range n.texts {
			if strings.HasPrefix(rest, t[:n.window]) {
				// Looking again at each place would let whoever chooses s and a text
				// have long ones compared for as long.
				return slices.ContainsFunc(n.texts, func(t string) bool { return strings.Contains(rest, t) })
			}
		}
		end++
	}
	return false
}

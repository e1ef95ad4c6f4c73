//go:build linux

package cli

import (
	"slices"
	"strings"
	"testing"
)

// Colours and shapes are for a person at a terminal, and for nobody else.
func TestAuditOnTerminal(t *testing.T) {
	t.Parallel()
	h := newHome(t, "TERM=xterm")
	h.recorded(t, slices.Clone(calls)...)
	out, code := atTerminal(t, h.command(t, "audit", "list"))
	for _, want := range []string{"\x1b[31m✕\x1b[0m 3 ", "\x1b[31m✕\x1b[0m 2 ", "\x1b[32m●\x1b[0m 1 ", "…"} {
		if code != exitDone || !strings.Contains(out, want) {
			t.Errorf("%d: %q has no %q", code, out, want)
		}
	}
	if out, _ := atTerminal(t, h.with("NO_COLOR=1").command(t, "audit", "list")); strings.Contains(out, "\x1b") || !strings.Contains(out, "✕ 3 ") {
		t.Errorf("NO_COLOR: %q, want shapes alone", out)
	}
	if r := h.run(t, "audit", "list"); strings.ContainsAny(r.out, "✕●▲\x1b…") {
		t.Errorf("into a pipe: %q", r.out)
	}
}

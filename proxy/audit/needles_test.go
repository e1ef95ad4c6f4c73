package audit

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"lockbox/proxy/secret"
)

// TestNeedles holds the search against the plain one, in texts of few letters where
// much is nearly found.
func TestNeedles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	text := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "ab\xe1"[r.IntN(3)] // 0x61 and 0xe1 are one block
		}
		return string(b)
	}
	found := 0
	for range 20_000 {
		var texts []string
		for range 1 + r.IntN(4) {
			texts = append(texts, text(minForm+r.IntN(8)))
		}
		if r.IntN(10) == 0 {
			texts = append(texts, text(250+r.IntN(20)))
		}
		s := text(r.IntN(60))
		if r.IntN(10) == 0 {
			s += texts[len(texts)-1] + text(r.IntN(3))
		}
		want := slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(s, t) })
		if got := newNeedles(texts).in(s); got != want {
			t.Fatalf("%q in %q: %v, want %v", texts, s, got, want)
		}
		if want {
			found++
		}
	}
	if found < 1000 || found > 19_000 {
		t.Errorf("%d of 20000 had one", found)
	}
	long := []string{text(300), text(400)}
	for _, s := range []string{"", "a", long[0], "x" + long[1] + "x", long[0][:299]} {
		want := strings.Contains(s, long[0]) || strings.Contains(s, long[1])
		if got := newNeedles(long).in(s); got != want {
			t.Errorf("long ones in %d bytes: %v, want %v", len(s), got, want)
		}
	}
}

func BenchmarkNeedles(b *testing.B) {
	text := strings.Repeat(`{"id": 1234567, "name": "some-key", "ok": true}, `, 21)
	n := newNeedles(secret.Forms(secret.New("sk-" + strings.Repeat("0123456789abcdef", 2))))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if n.in(text) {
			b.Fatal("found")
		}
	}
}

//go:build bench

package bench

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// keys are credentials that the leak guard looks for: the shorter the key, the more
// there is to look at. The first is not looked for.
var keys = []struct{ name, key string }{
	{"off", "sk-7Qd2mX9vTb4LpRzW"},
	{"50 bytes", "sk-proj-4bX9vTqL2mRzW8cYd7KpHs3NfGj5UeA1oVi6ZtB0xM"},
	{"20 bytes", "sk-7Qd2mX9vTb4LpRzW1"},
	{"16 bytes", "Qd2mX9vTb4LpRzW8"},
	{"8 bytes", "Qd2mX9vT"},
}

// guarded are the services that have them, in the config.
func guarded(upstream string) string {
	var b strings.Builder
	for i, k := range keys {
		setting := "on"
		if i == 0 {
			setting = "off"
		}
		_, _ = fmt.Fprintf(&b, `, "key%d": {"base_url": %q, "requires_service_token": false, "leak_guard": %q, "credential": {"type": "bearer", "token": %q}}`, i, upstream, setting, k.key)
	}
	return b.String()
}

// text is JSON as APIs answer with it.
func text(size int) string {
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for b.Len() < size {
		_, _ = fmt.Fprintf(&b, `{"id": %d, "node_id": "%x", "login": "user-%d", "url": "https://api.example.com/users/%d/repos", "private": false, "description": "Some words on what it is about"}, `, r.Uint32(), r.Uint64(), r.IntN(1e6), r.IntN(1e6))
	}
	return b.String()[:size]
}

// TestGuard prints what the leak guard costs: one proxy for services with it and
// without, in turn.
func TestGuard(t *testing.T) {
	r := newRig(t)
	s := r.record[0]
	root := strings.TrimSuffix(s.base, "bench")
	for _, l := range []struct {
		name, path  string
		connections int
	}{
		{"10 MB down", "/text10m", 4},
		{"1 KB", "/text1k", 64},
	} {
		runs, beside := make([][]run, len(keys)), make([][]run, len(keys))
		for range max(*rounds, 7) {
			for i := range keys {
				before := r.worked(s)
				m := r.wrk(fmt.Sprintf("%skey%d%s", root, i, l.path), "", l.connections)
				m.work = float64((r.worked(s) - before).Nanoseconds()) / 1000 / m.count
				runs[i] = append(runs[i], m)
				off := runs[0][len(runs[0])-1] // a moment ago, on the same machine
				beside[i] = append(beside[i], run{rate: 100 * (m.rate/off.rate - 1), work: 100 * (m.work/off.work - 1)})
			}
		}
		fmt.Printf("\nleak guard, %s, %d connections\n%-10s %10s %8s %12s %8s\n", l.name, l.connections, "key", "requests/s", "", "µs/request", "")
		for i, k := range keys {
			m, more := median(runs[i]), median(beside[i])
			fmt.Printf("%-10s %10.1f %+7.1f%% %12.2f %+7.1f%%\n", k.name, m.rate, more.rate, m.work, more.work)
			if m.bad != "" {
				t.Errorf("%s, %s: %s", l.name, k.name, m.bad)
			}
		}
	}
}

//go:build bench

package bench

import (
	"fmt"
	"testing"
)

// TestRecord prints what the record of calls costs: the same proxy with it and
// without, in turn.
func TestRecord(t *testing.T) {
	r := newRig(t)
	for _, connections := range []int{1, 64} {
		var runs [2][]run
		for range max(*rounds, 5) {
			for i, s := range r.record {
				runs[i] = append(runs[i], r.wrk(s.base+"/1k", "", connections))
			}
		}
		with, without := median(runs[0]), median(runs[1])
		fmt.Printf("\n1 KB, %d connections: %.0f requests/s with the record, %.0f without: it costs %.1f%%\n",
			connections, with.rate, without.rate, 100*(1-with.rate/without.rate))
		for _, m := range []run{with, without} {
			if m.bad != "" {
				t.Error(m.bad)
			}
		}
	}
}

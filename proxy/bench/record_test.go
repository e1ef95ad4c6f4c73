//go:build bench

package bench

import (
	"fmt"
	"testing"
)

// TestRecord prints what the record of calls costs: the same proxy with it and
// without, in turn. A machine that does something else meanwhile spoils the rates,
// but hardly the time that the proxy works for a request.
func TestRecord(t *testing.T) {
	r := newRig(t)
	for _, connections := range []int{1, 64} {
		var runs [2][]run
		for range max(*rounds, 5) {
			for i, s := range r.record {
				before := r.worked(s)
				m := r.wrk(s.base+"/1k", "", connections)
				m.work = float64((r.worked(s) - before).Nanoseconds()) / 1000 / m.count
				runs[i] = append(runs[i], m)
			}
		}
		with, without := median(runs[0]), median(runs[1])
		fmt.Printf("\n1 KB, %d connections: %.0f requests/s with the record, %.0f without: it costs %.1f%%\n",
			connections, with.rate, without.rate, 100*(1-with.rate/without.rate))
		fmt.Printf("of the proxy's time a request takes %.2f µs with the record, %.2f µs without: that is %.1f%% of the requests\n",
			with.work, without.work, 100*(1-without.work/with.work))
		for _, m := range []run{with, without} {
			if m.bad != "" {
				t.Error(m.bad)
			}
		}
	}
}

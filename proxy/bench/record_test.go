//go:build bench

package bench

import (
	"fmt"
	"syscall"
	"testing"
	"time"
)

// TestRecord prints what the record of calls costs: the same proxy with it and
// without, in turn. The first figures are of a proxy that has one core to itself and
// is kept busy: there the record's share of its time is its share of the rate. The
// next are of a user's machine, where nothing is pinned: the proxy has all cores
// as the caller and the upstream have, whose time counts too, so that the record
// takes less of the rate. The last have an upstream that takes its time, as those on
// the internet do, if more of it: what the record costs then is time that was left.
// None is another. A machine that does something else meanwhile spoils the rates,
// but hardly the time that the proxy works for a request.
func TestRecord(t *testing.T) {
	r := newRig(t)
	for _, place := range []struct {
		name, cores string
		pair        [2]*subject
	}{
		{"the proxy on one core", loadCore, r.record},
		{"nothing pinned", allCores(), r.unpinned()},
		{"nothing pinned, answers after 10 ms", allCores(), r.waiting(10 * time.Millisecond)},
	} {
		for _, connections := range []int{1, 64} {
			with, without := r.compare(place.pair, connections, place.cores)
			fmt.Printf("\n%s, 1 KB, %d connections: %.0f requests/s with the record, %.0f without: it costs %.1f%%\n",
				place.name, connections, with.rate, without.rate, 100*(1-with.rate/without.rate))
			fmt.Printf("of the proxy's time a request takes %.2f µs with the record, %.2f µs without: that is %.1f%% of the requests\n",
				with.work, without.work, 100*(1-without.work/with.work))
			for _, m := range []run{with, without} {
				if m.bad != "" {
					t.Error(m.bad)
				}
			}
		}
	}
}

// compare measures two proxies in turn. The one whose turn it is not stands still, and
// both do in the end: the index of a record catches up as soon as there is time, and
// that time would be the other's.
func (r *rig) compare(pair [2]*subject, connections int, cores string) (with, without run) {
	var runs [2][]run
	for _, s := range pair {
		r.signal(s, syscall.SIGSTOP)
	}
	for range max(*rounds, 5) {
		for i, s := range pair {
			r.signal(s, syscall.SIGCONT)
			before := r.worked(s)
			m := r.wrkOn(cores, s.base+"/1k", "", connections)
			m.work = float64((r.worked(s) - before).Nanoseconds()) / 1000 / m.count
			r.signal(s, syscall.SIGSTOP)
			runs[i] = append(runs[i], m)
		}
	}
	return median(runs[0]), median(runs[1])
}

func (r *rig) signal(s *subject, sig syscall.Signal) {
	r.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		r.t.Fatal(err)
	}
}

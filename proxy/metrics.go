package proxy

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/limit"
)

// metrics counts calls for Prometheus. It is written by hand, in the text format
// 0.0.4: Prometheus's own client_golang brings protobuf and a registry of
// whatever a program could ever measure, which makes a static binary 3 MB longer,
// and this is all that it would be used for.
type metrics struct {
	services sync.Map     // of *tally, by the name of a configured service; "" for all else
	waiting  atomic.Int64 // calls whose record is being written
	unkept   atomic.Int64 // calls that could not be recorded
}

// tally is what became of the calls to a service.
type tally struct {
	outcomes [len(decisions)][6]atomic.Int64 // by the status's first digit
	took     [len(steps) + 1]atomic.Int64    // by the first of steps that was enough
	sum      atomic.Int64                    // of durations, in nanoseconds
	limited  [len(limit.Kinds)]atomic.Int64  // refused by limits
	leaks    atomic.Int64                    // credentials in answers
}

var decisions = [...]audit.Decision{audit.Allowed, audit.Refused, audit.Failed}

// steps are client_golang's, and longer ones for APIs that think.
var steps = [...]time.Duration{
	5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond,
	500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second, 30 * time.Second, 60 * time.Second,
}

// count counts a call whose record was written, or not. Only names of configured services are remembered: callers
// must not be able to make up any number of them.
func (m *metrics) count(rt *route, x *audit.Exchange, over *limit.Refusal, failed error) {
	m.waiting.Add(-1)
	if failed != nil {
		m.unkept.Add(1)
	}
	t := m.of(rt)
	if over != nil {
		t.limited[over.Kind].Add(1)
	}
	class := x.Status / 100
	if class < 0 || class > 5 {
		class = 0
	}
	t.outcomes[max(0, slices.Index(decisions[:], x.Decision))][class].Add(1)
	i := 0
	for i < len(steps) && x.Duration > steps[i] {
		i++
	}
	t.took[i].Add(1)
	t.sum.Add(int64(x.Duration))
}

// of is the tally of a route, which may be none.
func (m *metrics) of(rt *route) *tally {
	name := ""
	if rt != nil {
		name = rt.service.Name
	}
	v, ok := m.services.Load(name)
	if !ok {
		v, _ = m.services.LoadOrStore(name, &tally{})
	}
	return v.(*tally)
}

// leaked counts credentials that were found in an answer.
func (m *metrics) leaked(rt *route, n int) { m.of(rt).leaks.Add(int64(n)) }

// writeMetrics answers /metrics.
func (s *Server) writeMetrics(w http.ResponseWriter, r *http.Request) {
	dontWait(w, r)
	var b bytes.Buffer
	s.metrics.text(&b)
	single := func(name, kind, help string, value int64) {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n%s %d\n", name, help, name, kind, name, value)
	}
	single("lockbox_calls_in_flight", "gauge", "Calls to services that are under way.", s.calls.Load())
	single("lockbox_paused", "gauge", "1 while calls to services are refused.", number(s.Paused()))
	single("lockbox_audit_queue", "gauge", "Calls whose record is being written.", s.metrics.waiting.Load())
	single("lockbox_audit_failures_total", "counter", "Calls that could not be recorded.", s.metrics.unkept.Load())
	if s.opts.Audit != nil {
		single("lockbox_audit_records", "gauge", "Calls on record.", int64(s.opts.Audit.Count()))
	}
	if s.opts.StoreSize != nil {
		single("lockbox_audit_bytes", "gauge", "Size of the audit log on disk.", s.opts.StoreSize())
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	_, _ = w.Write(b.Bytes()) // the caller may be gone
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// text writes what was counted, services sorted by name.
func (m *metrics) text(b *bytes.Buffer) {
	var names []string
	tallies := map[string]*tally{}
	m.services.Range(func(k, v any) bool {
		names = append(names, k.(string))
		tallies[k.(string)] = v.(*tally)
		return true
	})
	slices.Sort(names)
	b.WriteString("# HELP lockbox_calls_total Calls by service, by what Lockbox did with them and by the status of the answer. Without a service: to none that is configured.\n# TYPE lockbox_calls_total counter\n")
	for _, name := range names {
		for i, d := range decisions {
			for class := range tallies[name].outcomes[i] {
				if n := tallies[name].outcomes[i][class].Load(); n > 0 {
					fmt.Fprintf(b, "lockbox_calls_total{service=\"%s\",outcome=\"%s\",status=\"%dxx\"} %d\n", label(name), d, class, n)
				}
			}
		}
	}
	b.WriteString("# HELP lockbox_limited_total Calls refused because a limit was used up, by service and limit.\n# TYPE lockbox_limited_total counter\n")
	for _, name := range names {
		for _, kind := range limit.Kinds {
			if n := tallies[name].limited[kind].Load(); n > 0 {
				fmt.Fprintf(b, "lockbox_limited_total{service=\"%s\",limit=\"%s\"} %d\n", label(name), kind, n)
			}
		}
	}
	b.WriteString("# HELP lockbox_leaks_total Credentials that the leak guard found in answers, and replaced.\n# TYPE lockbox_leaks_total counter\n")
	for _, name := range names {
		if n := tallies[name].leaks.Load(); n > 0 {
			fmt.Fprintf(b, "lockbox_leaks_total{service=\"%s\"} %d\n", label(name), n)
		}
	}
	const histogram = "lockbox_call_duration_seconds"
	fmt.Fprintf(b, "# HELP %s How long calls took, from their head to the end of the answer.\n# TYPE %s histogram\n", histogram, histogram)
	for _, name := range names {
		t, sofar := tallies[name], int64(0)
		for i := range t.took {
			upto := "+Inf"
			if i < len(steps) {
				upto = strconv.FormatFloat(steps[i].Seconds(), 'g', -1, 64)
			}
			sofar += t.took[i].Load()
			fmt.Fprintf(b, "%s_bucket{service=\"%s\",le=\"%s\"} %d\n", histogram, label(name), upto, sofar)
		}
		sum := strconv.FormatFloat(time.Duration(t.sum.Load()).Seconds(), 'g', -1, 64)
		fmt.Fprintf(b, "%s_sum{service=\"%s\"} %s\n%s_count{service=\"%s\"} %d\n", histogram, label(name), sum, histogram, label(name), sofar)
	}
}

// label is a label's value between its quotes.
func label(s string) string { return labels.Replace(s) }

var labels = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

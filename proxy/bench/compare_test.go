//go:build bench

package bench

import (
	"flag"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	rounds = flag.Int("rounds", 3, "runs of each measurement, of which the median counts")
	length = flag.Duration("length", 2*time.Second, "of one run")
)

// run is what wrk measured.
type run struct {
	rate     float64 // requests a second
	count    float64 // of requests
	work     float64 // of the proxy for one, in microseconds; 0: not measured
	p50, p99 time.Duration
	bad      string // answers that were none
}

var load = []struct {
	name, path, script string
	connections        int
}{
	{name: "1 KB", path: "/1k", connections: 1},
	{name: "1 KB", path: "/1k", connections: 16},
	{name: "1 KB", path: "/1k", connections: 64},
	{name: "1 KB", path: "/1k", connections: 256},
	{name: "100 KB", path: "/100k", connections: 1},
	{name: "100 KB", path: "/100k", connections: 16},
	{name: "100 KB", path: "/100k", connections: 64},
	{name: "100 KB", path: "/100k", connections: 256},
	{name: "10 MB down", path: "/10m", connections: 4},
	{name: "10 MB up", path: "/sink", script: "upload.lua", connections: 4},
}

// TestCompare prints one table; the runs of all subjects are interleaved, so that
// what else the machine does hits each alike.
func TestCompare(t *testing.T) {
	r := newRig(t)
	for _, l := range load {
		runs := make([][]run, len(r.subjects))
		for range *rounds {
			for i, s := range r.subjects {
				url := s.base + l.path
				if l.script != "" {
					url = s.sink
				}
				runs[i] = append(runs[i], r.wrk(url, l.script, l.connections))
			}
		}
		direct, nginx := median(runs[0]), median(runs[1])
		fmt.Printf("\n%s, %d connections\n", l.name, l.connections)
		fmt.Printf("%-14s %10s %9s %10s %12s %12s %6s\n", "", "requests/s", "MB/s", "to nginx", "added p50", "added p99", "bad")
		for i, s := range r.subjects {
			m := median(runs[i])
			ratio := m.rate / nginx.rate
			fmt.Printf("%-14s %10.0f %9.1f %9.2fx %12v %12v %6s\n", s.name, m.rate, m.rate*size(l.path)/1e6, ratio,
				(m.p50 - direct.p50).Round(time.Microsecond), (m.p99 - direct.p99).Round(time.Microsecond), m.bad)
			if m.bad != "" {
				t.Errorf("%s, %s: %s", l.name, s.name, m.bad)
			}
		}
	}
	fmt.Println("\npeak memory")
	for _, s := range r.subjects[1:] {
		fmt.Printf("%-14s %6.1f MB\n", s.name, float64(r.peak(s))/1e6)
	}
}

// size is a body's, in bytes.
func size(path string) float64 {
	return map[string]float64{"/1k": 1 << 10, "/100k": 100 << 10, "/10m": 10 << 20, "/sink": 10 << 20}[path]
}

var (
	rateLine = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	allLine  = regexp.MustCompile(`(\d+) requests in`)
	p50Line  = regexp.MustCompile(`\s50%\s+(\S+)`)
	p99Line  = regexp.MustCompile(`\s99%\s+(\S+)`)
	badLine  = regexp.MustCompile(`(Non-2xx[^\n]*|Socket errors:[^\n]*)`)
)

func (r *rig) wrk(url, script string, connections int) run {
	r.t.Helper()
	return r.wrkOn(loadCore, url, script, connections)
}

// wrkOn is wrk on some of the cores.
func (r *rig) wrkOn(cores, url, script string, connections int) run {
	r.t.Helper()
	args := []string{"-c", cores, "wrk", "-t1", "-c" + strconv.Itoa(connections), "-d" + length.String(), "--latency", "--timeout", "30s", "-H", "Authorization: Bearer " + r.token}
	if script != "" {
		args = append(args, "-s", r.dir+"/"+script)
	}
	out, err := exec.Command("taskset", append(args, url)...).CombinedOutput()
	if err != nil {
		r.t.Fatalf("wrk: %v: %s", err, strings.ReplaceAll(string(out), r.token, "[token]"))
	}
	text := string(out)
	var m run
	m.rate, _ = strconv.ParseFloat(first(rateLine, text), 64)
	m.count, _ = strconv.ParseFloat(first(allLine, text), 64)
	m.p50, _ = time.ParseDuration(first(p50Line, text))
	m.p99, _ = time.ParseDuration(first(p99Line, text))
	m.bad = first(badLine, text)
	return m
}

func first(re *regexp.Regexp, text string) string {
	if m := re.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// median is that of each number by itself.
func median(runs []run) run {
	mid := func(of func(run) float64) float64 {
		var all []float64
		for _, m := range runs {
			all = append(all, of(m))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	m := run{
		rate: mid(func(m run) float64 { return m.rate }),
		work: mid(func(m run) float64 { return m.work }),
		p50:  time.Duration(mid(func(m run) float64 { return float64(m.p50) })),
		p99:  time.Duration(mid(func(m run) float64 { return float64(m.p99) })),
	}
	for _, x := range runs {
		if x.bad != "" {
			m.bad = x.bad
		}
	}
	return m
}

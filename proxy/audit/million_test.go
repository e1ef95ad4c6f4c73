//go:build bench

package audit

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

var (
	records = flag.Int("records", 1_000_000, "how many records TestMillion searches")
	store   = flag.String("store", "", "a directory that keeps TestMillion's records for the next time")
)

// traffic makes records as a person's workflows leave them: a few services with
// most of the calls, JSON bodies, some errors.
type traffic struct {
	r     *rand.Rand
	at    time.Time
	words []string
}

func newTraffic(n int) *traffic {
	g := &traffic{r: rand.New(rand.NewPCG(1, 2)), at: time.Now().Add(-90 * 24 * time.Hour)}
	for i := range 8000 {
		g.words = append(g.words, fmt.Sprintf("%s%s", []string{"in", "re", "or", "pro", "con", "sub", "de", "a"}[i%8], []string{"voice", "port", "der", "ject", "tact", "mit", "sign", "count"}[i/8%8]+fmt.Sprint(i/64)))
	}
	return g
}

// some is a number below n, small ones more often.
func (g *traffic) some(n int) int { return min(n-1, int(g.r.ExpFloat64()*float64(n)/5)) }

func (g *traffic) body(words int) *Body {
	var b strings.Builder
	b.WriteString(`{"id": `)
	fmt.Fprint(&b, g.r.IntN(1e9))
	for i := range words / 2 {
		fmt.Fprintf(&b, `, "%s": "%s %s"`, g.words[i], g.words[g.some(len(g.words))], g.words[g.some(len(g.words))])
	}
	b.WriteString("}")
	return &Body{Text: b.String(), Size: int64(b.Len())}
}

func (g *traffic) next(step time.Duration) *Exchange {
	g.at = g.at.Add(time.Duration(g.r.Int64N(int64(2 * step))))
	service := []string{"github", "stripe", "notion", "slack", "openai", "airtable", "linear", "twilio", "hubspot", "rare"}[g.some(10)]
	x := &Exchange{
		Time: g.at, Service: service, Method: []string{"GET", "POST", "PUT", "DELETE"}[g.some(4)],
		Path:   fmt.Sprintf("/s/%s/%s/%d", service, []string{"items", "users", "orders", "events"}[g.r.IntN(4)], g.r.IntN(100_000)),
		Status: []int{200, 201, 204, 404, 422, 429, 500, 502}[g.some(8)], Duration: time.Duration(g.r.IntN(1e9)),
		Audience: []string{"zapier", "n8n", "make", "ifttt"}[g.some(4)], JTI: fmt.Sprintf("jti-%d", g.some(50)),
		Listener: []string{"local", "public"}[g.some(2)], Remote: "127.0.0.1:40000", Decision: Allowed,
		RequestHeader:  http.Header{"User-Agent": {"Zapier"}, "Accept": {"application/json"}, "X-Request-Id": {fmt.Sprint(g.r.Uint64())}},
		ResponseHeader: http.Header{"Content-Type": {"application/json"}, "Server": {"nginx"}},
		RequestBody:    g.body(10), ResponseBody: g.body(60),
	}
	if g.r.IntN(50) == 0 {
		x.Status, x.Decision, x.Reason, x.ResponseBody = 401, Refused, "token_expired: the service token has expired", nil
	}
	return x
}

// TestMillion prints how fast a large log is searched, and fails where that is
// slower than a person waits for.
func TestMillion(t *testing.T) {
	dir := *store
	if dir == "" {
		dir = filepath.Join(t.TempDir(), "audit")
	}
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	g := newTraffic(*records)
	began := time.Now()
	made := 0
	for ; l.Count() < *records; made++ {
		x := g.next(90 * 24 * time.Hour / time.Duration(*records))
		if l.Count() == *records/3 {
			x.ResponseBody.Text = `{"note": "the xylophone4711 is in the attic"}`
		}
		if err := l.Append(x); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Printf("%d records written, %v each\n", made, time.Since(began)/time.Duration(max(made, 1)))
	began = time.Now()
	for {
		until, err := l.index.until(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if until == l.seq {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	fmt.Printf("indexed in %v\n", time.Since(began).Round(time.Second))
	for _, pattern := range []string{"*" + suffix, "index.db*"} {
		var size int64
		paths, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, p := range paths {
			info, err := os.Stat(p)
			if err != nil {
				t.Fatal(err)
			}
			size += info.Size()
		}
		fmt.Printf("%-10s %6.1f MB\n", pattern, float64(size)/1e6)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	before := heap()
	began = time.Now()
	if l, err = Open(dir); err != nil {
		t.Fatal(err)
	}
	opened := time.Since(began)
	first := measure(t, l, "first page, with opening", Query{}, 200*time.Millisecond, opened)
	if first != 100 {
		t.Errorf("%d records on the first page", first)
	}
	for _, words := range []string{"service:github", "service:rare", "status:5xx", "status:502 service:rare method:DELETE", "method:DELETE listener:public", "audience:ifttt decision:refused",
		"token:jti-49", "since:7d", "since:60d until:59d status:404", "service:github service:stripe status:4xx audience:make", "service:nobody", "until:89d"} {
		q, err := ParseQuery(words, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		measure(t, l, words, q, 100*time.Millisecond, 0)
	}
	for _, words := range []string{"xylophone4711", "xylophone47*", "invoice1", "invoice0", "application json", "invoice0 service:rare status:5xx", "invoice0 report0 order0 since:30d", "nowheretobefound", "zap* github"} {
		q, err := ParseQuery(words, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if n := measure(t, l, words, q, 300*time.Millisecond, 0); strings.HasPrefix(words, "xyl") && n != 1 && made == *records {
			t.Errorf("%s: %d found, want 1", words, n)
		}
	}
	for _, words := range []string{"", "service:github", "invoice0"} {
		q, _ := ParseQuery(words, time.Now())
		began := time.Now()
		b, err := l.Timeline(t.Context(), q, 100)
		if err != nil || len(b) != 100 {
			t.Fatal(len(b), err)
		}
		fmt.Printf("%-60s %8v\n", "timeline of "+words, time.Since(began).Round(10*time.Microsecond))
		began = time.Now()
		n, err := l.Matches(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("%-60s %8v %d\n", "count of "+words, time.Since(began).Round(10*time.Microsecond), n)
	}
	if grown := heap() - before; grown > 100<<20 {
		t.Errorf("memory grew by %d MB", grown>>20)
	} else {
		fmt.Printf("memory grew by %.1f MB\n", float64(grown)/1e6)
	}
	began = time.Now()
	v, err := l.Verify(context.Background(), func(_, _ int64) {})
	if err != nil || !v.OK() {
		t.Errorf("%+v, %v", v, err)
	}
	fmt.Printf("verified in %v\n", time.Since(began).Round(10*time.Millisecond))
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys)
}

func measure(t *testing.T, l *Log, name string, q Query, want, spent time.Duration) int {
	t.Helper()
	began := time.Now()
	xs, err := l.List(q)
	took := time.Since(began) + spent
	if err != nil {
		t.Fatal(name, err)
	}
	fmt.Printf("%-60s %8v %d\n", name, took.Round(10*time.Microsecond), len(xs))
	if took > want {
		t.Errorf("%s took %v, want at most %v", name, took, want)
	}
	return len(xs)
}

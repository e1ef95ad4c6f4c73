package export

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/audit"
)

// odd are records in which callers and upstreams did their worst, oldest first.
func odd() []audit.Exchange {
	return []audit.Exchange{
		{
			Time: time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC), Service: "github", Method: "POST", Path: "/s/github/repos/a%2Fb", Query: "q=a+b%26c&flag&&=x&bad=%zz",
			Status: 201, Duration: 12345678, BytesIn: 15, BytesOut: 4, Audience: "zapier", JTI: "0198", Listener: "local", Remote: "127.0.0.1:5", Decision: audit.Allowed,
			RequestHeader:  http.Header{"Content-Type": {"application/json"}, "Accept": {"a", "b"}},
			ResponseHeader: http.Header{"Content-Type": {"image/png"}, "Location": {"/s/github/x"}},
			RequestBody:    &audit.Body{Text: `{"a": "\u0000 ü"}`, Size: 15}, ResponseBody: &audit.Body{Base64: []byte{0xff, 0, 0xfe}, Size: 3},
		},
		{
			Time: time.Unix(1, 0), Service: "=cmd|' /C calc'!A0", Method: "GET", Path: "/s/\xff\u202e{x}|^`<\"> \x00%zz%4", Query: "@SUM(1)[]\r\n=1", Status: 401, Listener: "public",
			Remote: "-1", Audience: "+1", Decision: audit.Refused, Reason: "\t=1", ReplayOf: "＝1", RequestHeader: http.Header{},
		},
		{Time: time.Unix(2, 0), Method: "CONNECT", Path: "evil.example:443", Status: 400, Listener: "local", Decision: audit.Refused, Reason: "bad_method: x"},
		{
			Time: time.Unix(3, 0), Service: "s", Method: "PUT", Path: "/s/s/", Status: 502, Listener: "local", Decision: audit.Failed, BytesIn: 1 << 20, BytesOut: 70000,
			RequestBody: &audit.Body{Base64: []byte{1, 0xff}, Size: 1 << 20, Truncated: true}, ResponseBody: &audit.Body{Size: 70000, Note: "not kept", Truncated: true},
		},
		{Time: time.Unix(4, 0), Method: "GET", Path: "/s/s/socket", Status: 101, Listener: "local", Decision: audit.Allowed, ResponseBody: &audit.Body{Note: "WebSocket messages are not recorded", Size: 5}},
		{Time: time.Unix(5, 0), Decision: audit.Noted, Event: "gap", Listener: "", Reason: "something"},
	}
}

func logOf(t testing.TB, xs []audit.Exchange) *audit.Log {
	t.Helper()
	l, err := audit.Open(filepath.Join(t.TempDir(), "audit"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	for i := range xs {
		if err := l.Append(&xs[i]); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func write(t *testing.T, l *audit.Log, q audit.Query, f Format) string {
	t.Helper()
	var b strings.Builder
	if _, err := Write(t.Context(), &b, l, q, Options{Format: f, Base: "http://127.0.0.1:8000", Version: "v1"}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestJSONLines(t *testing.T) {
	xs := odd()
	l := logOf(t, xs)
	text := write(t, l, audit.Query{}, JSONLines)
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) != len(xs) {
		t.Fatalf("%d lines, want %d", len(lines), len(xs))
	}
	for i, line := range lines {
		var got audit.Exchange
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		want, err := l.Get(xs[len(xs)-1-i].ID)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v, %v", got, want, err)
		}
	}
	if got := strings.Count(write(t, l, audit.Query{Service: []string{"s", "github"}}, JSONLines), "\n"); got != 2 {
		t.Errorf("%d lines of two services, want 2", got)
	}
	if got := write(t, l, audit.Query{Service: []string{"nosuch"}}, JSONLines); got != "" {
		t.Errorf("no records are %q", got)
	}
}

func TestCSV(t *testing.T) {
	l := logOf(t, odd())
	rows, err := csv.NewReader(strings.NewReader(write(t, l, audit.Query{}, CSV))).ReadAll()
	if err != nil || len(rows) != 7 {
		t.Fatalf("%d rows, %v; want a head and 6", len(rows), err)
	}
	column := func(row int, name string) string { return rows[row][slices.Index(rows[0], name)] }
	for _, tt := range []struct {
		row        int
		name, want string
	}{
		{6, "time", "2026-03-01T12:00:00.123456789Z"}, {6, "path", "/s/github/repos/a%2Fb"}, {6, "status", "201"}, {6, "duration_ms", "12.345678"}, {6, "seq", "1"}, {6, "token", "0198"},
		{5, "service", "'=cmd|' /C calc'!A0"}, {5, "query", "'@SUM(1)[]\n=1"}, {5, "remote", "'-1"}, {5, "audience", "'+1"}, {5, "reason", "'\t=1"}, {5, "replay_of", "'＝1"},
		{1, "event", "gap"}, {1, "decision", "noted"},
	} {
		if got := column(tt.row, tt.name); got != tt.want {
			t.Errorf("row %d, %s: %q, want %q", tt.row, tt.name, got, tt.want)
		}
	}
}

func TestInert(t *testing.T) {
	for _, c := range []string{"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", " =", "'", " '"} {
		if got := inert(c + "1"); got != "'"+c+"1" {
			t.Errorf("%q becomes %q", c+"1", got)
		}
	}
	for _, s := range []string{"", "/s/=1", "a-b", "2026-01-01", "127.0.0.1:80", " x"} {
		if got := inert(s); got != s {
			t.Errorf("%q becomes %q", s, got)
		}
	}
}

func TestHAR(t *testing.T) {
	l := logOf(t, odd())
	var har struct {
		Log struct {
			Version string
			Creator harCreator
			Entries []harEntry
		}
	}
	if err := json.Unmarshal([]byte(write(t, l, audit.Query{}, HAR)), &har); err != nil {
		t.Fatal(err)
	}
	es := har.Log.Entries
	if har.Log.Version != "1.2" || har.Log.Creator != (harCreator{"Lockbox", "v1"}) || len(es) != 5 {
		t.Fatalf("%+v, want 1.2 of Lockbox v1 and 5 entries, for an event is none", har.Log)
	}
	first := es[4]
	if first.Time != 12.345678 || first.Timings != (harTimings{Wait: 12.345678}) || first.Comment != "allowed" || !first.Started.Equal(time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)) {
		t.Errorf("entry %+v", first)
	}
	want := harRequest{
		Method: "POST", URL: "http://127.0.0.1:8000/s/github/repos/a%2Fb?q=a+b%26c&flag&&=x&bad=%25zz", Version: "HTTP/1.1", Cookies: []harPair{},
		Headers: []harPair{{"Accept", "a"}, {"Accept", "b"}, {"Content-Type", "application/json"}},
		Query:   []harPair{{"q", "a b&c"}, {"flag", ""}, {"", "x"}, {"bad", "%zz"}},
		Post:    &harPost{Type: "application/json", Text: `{"a": "\u0000 ü"}`}, HeadersSize: -1, BodySize: 15,
	}
	if !reflect.DeepEqual(first.Request, want) {
		t.Errorf("request\n%+v, want\n%+v", first.Request, want)
	}
	if c := first.Response.Content; c != (harContent{Size: 3, Type: "image/png", Text: base64.StdEncoding.EncodeToString([]byte{0xff, 0, 0xfe}), Encoding: "base64"}) || first.Response.Redirect != "/s/github/x" {
		t.Errorf("response %+v", first.Response)
	}
	if es[3].Comment != "refused: \t=1" || es[3].Response.Content != (harContent{Type: "x-unknown"}) {
		t.Errorf("refused: %+v", es[3])
	}
	if p, c := es[1].Request.Post, es[1].Response.Content; p.Comment != "the text is in base64; only the beginning is on record" || c.Comment != "not kept; only the beginning is on record" || c.Size != 70000 {
		t.Errorf("long bodies: %+v, %+v", p, c)
	}
	for _, e := range es {
		if u, err := url.ParseRequestURI(e.Request.URL); err != nil || u.Host != "127.0.0.1:8000" {
			t.Errorf("%s is no URL here: %v", e.Request.URL, err)
		}
	}
	if empty := write(t, l, audit.Query{Service: []string{"nosuch"}}, HAR); !json.Valid([]byte(empty)) || !strings.Contains(empty, `"entries":[`) {
		t.Errorf("no records are %s", empty)
	}
}

func TestWrite(t *testing.T) {
	var xs []audit.Exchange
	for range 2*often + 10 {
		xs = append(xs, audit.Exchange{Time: time.Now(), Method: "GET", Path: "/", Decision: audit.Allowed})
	}
	l := logOf(t, xs)
	t.Run("progress", func(t *testing.T) {
		var said [][2]int64
		n, err := Write(t.Context(), io.Discard, l, audit.Query{}, Options{Format: CSV, Progress: func(done, total int64) { said = append(said, [2]int64{done, total}) }})
		if want := [][2]int64{{often, 2*often + 10}, {2 * often, 2*often + 10}, {2*often + 10, 2*often + 10}}; err != nil || n != 2*often+10 || !slices.Equal(said, want) {
			t.Errorf("%d, %v, said %v, want %v", n, err, said, want)
		}
	})
	t.Run("limit", func(t *testing.T) {
		var last int64
		n, err := Write(t.Context(), io.Discard, l, audit.Query{Limit: often + 1}, Options{Format: HAR, Progress: func(_, total int64) { last = total }})
		if err != nil || n != often+1 || last != often+1 {
			t.Errorf("%d of %d, %v", n, last, err)
		}
	})
	t.Run("no such format", func(t *testing.T) {
		if _, err := Write(t.Context(), io.Discard, l, audit.Query{}, Options{Format: "xml"}); err == nil || !strings.Contains(err.Error(), "jsonl, csv and har") {
			t.Errorf("%v, want an error that names the formats", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := Write(ctx, io.Discard, l, audit.Query{}, Options{Format: CSV, Progress: func(int64, int64) { cancel() }})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want it cancelled", err)
		}
	})
	for _, f := range []Format{JSONLines, CSV, HAR} {
		t.Run("a full disk, "+string(f), func(t *testing.T) {
			if _, err := Write(t.Context(), full{}, l, audit.Query{}, Options{Format: f}); !errors.Is(err, errFull) {
				t.Errorf("%v, want that the disk is full", err)
			}
		})
	}
}

var errFull = errors.New("the disk is full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// What an export keeps does not grow with what it writes.
func TestMemory(t *testing.T) {
	for _, f := range []Format{JSONLines, CSV, HAR} {
		var before, after runtime.MemStats
		count := &counter{}
		w, err := Options{Format: f}.writer(bufio.NewWriter(count))
		if err != nil {
			t.Fatal(err)
		}
		x := odd()[0]
		x.ResponseBody = &audit.Body{Text: strings.Repeat("x", 60<<10), Size: 60 << 10}
		write := func(n int) {
			for range n {
				if err := w.record(&x); err != nil {
					t.Fatal(err)
				}
			}
			runtime.GC()
		}
		write(10)
		runtime.ReadMemStats(&before)
		write(500) // 30 MB with bodies
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
			t.Errorf("%s: %d bytes were written and %d more are held", f, count.n, grown)
		}
	}
}

type counter struct{ n int }

func (c *counter) Write(p []byte) (int, error) { c.n += len(p); return len(p), nil }

//go:build unix

package cli

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lockbox/proxy/audit"
)

// recorded puts records into a home's audit log, as a Lockbox that runs would.
func (h home) recorded(t *testing.T, xs ...audit.Exchange) {
	t.Helper()
	l, err := audit.Open(h.path(".local/state/lockbox/audit"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range xs {
		if err := l.Append(&xs[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

var calls = []audit.Exchange{
	{
		Time: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC), Service: "github", Method: "GET", Path: "/s/github/user", Query: "page=1", Status: 200, Duration: 1234567,
		Audience: "zapier", JTI: "0198-a", Listener: "local", Remote: "127.0.0.1:9", Decision: audit.Allowed, BytesOut: 22,
		RequestHeader: http.Header{"Accept": {"*/*"}}, ResponseHeader: http.Header{"Content-Type": {"application/json"}}, ResponseBody: &audit.Body{Text: `{"invoice":7781}`, Size: 16},
	},
	{
		Time: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC), Service: "github", Method: "POST", Path: "/s/github/\x1b[2J\u202egpj.exe\u2066", Status: 401, Duration: time.Second,
		Listener: "public", Remote: "203.0.113.9", Decision: audit.Refused, Reason: "token_expired: The token expired at noon.",
		RequestHeader: http.Header{"User-Agent": {"evil\x1b]0;title\x07"}}, RequestBody: &audit.Body{Text: "line one\r\n\x1b[31mred\u202e\nüber\ttab\n", Size: 30},
	},
	{
		Time: time.Date(2026, 1, 3, 12, 0, 0, 0, time.UTC), Service: "two words", Method: "PUT", Path: "/s/two%20words/", Status: 503, Listener: "local", Decision: audit.Allowed, ReplayOf: "0198",
		RequestBody: &audit.Body{Base64: []byte{0, 0xff}, Size: 1 << 20, Truncated: true}, ResponseBody: &audit.Body{Size: 9, Note: "not kept"},
	},
}

func TestAuditList(t *testing.T) {
	t.Parallel()
	h := newHome(t, "TZ=UTC")
	h.recorded(t, slices.Clone(calls)...)
	for _, tt := range []struct {
		args string
		want string // the records, by number
	}{
		{"", "321"},
		{"--limit 2", "32"},
		{"service:github", "21"}, {"--service github", "21"}, {"--service github --service two§words", "321"}, {"service:two§words", "3"},
		{`service:"two§words"`, "3"},
		{"status:2xx", "1"}, {"--status 4xx --status 503", "32"}, {"status:4xx status:2xx --service github", "21"},
		{"--method get", "1"}, {"--listener public", "2"}, {"--audience zapier", "1"}, {"--decision refused", "2"}, {"--token 0198-a", "1"},
		{"invoice", "1"}, {"--search INVOICE", "1"}, {"--search service:github", ""}, {"invoice nosuch", ""}, {"page", "1"},
		{"--since 2026-01-02", "32"}, {"--until 2026-01-02", "1"}, {"since:2026-01-02 until:2026-01-03", "2"}, {"--since 1h", ""},
	} {
		args := strings.Fields("audit list --json " + tt.args)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "§", " ")
		}
		r := h.run(t, args...)
		got := ""
		for line := range strings.Lines(r.out) {
			var x audit.Exchange
			if err := json.Unmarshal([]byte(line), &x); err != nil {
				t.Fatalf("%s: %q: %v", tt.args, line, err)
			}
			got += fmt.Sprint(x.Seq)
		}
		if r.code != 0 || got != tt.want || (r.errOut == "") == (tt.want == "") {
			t.Errorf("audit list %s: %d, records %q, %q; want %q", tt.args, r.code, got, r.errOut, tt.want)
		}
	}
	for _, args := range [][]string{
		{"audit"}, {"audit", "list", "--status", "40"}, {"audit", "list", "status:40"}, {"audit", "list", "--since", "soon"}, {"audit", "tail", "--limit", "0"},
		{"audit", "list", "--decision", "maybe"}, {"audit", "export", "--format", "xml"}, {"audit", "show"}, {"audit", "list", `"x`},
	} {
		if r := h.run(t, args...); r.code != exitUsage || r.out != "" {
			t.Errorf("%q: %d, %q; want 2 and nothing", args, r.code, r.out)
		}
	}

	r := h.run(t, "audit", "list")
	want := `SEQ  TIME                 STATUS  SERVICE    AUDIENCE  TOOK    CALL                                                 WHY
3    2026-01-03 12:00:00  503     two words  -         0s      PUT /s/two%20words/                                  (a replay)
2    2026-01-02 12:00:00  401     github     -         1s      "POST /s/github/\x1b[2J\u202egpj.exe\u2066"          token_expired
1    2026-01-01 12:00:00  200     github     zapier    1.2ms   GET /s/github/user?page=1                            -
`
	squeeze := regexp.MustCompile(` {2,}`)
	if got := squeeze.ReplaceAllString(r.out, "  "); r.code != 0 || got != squeeze.ReplaceAllString(want, "  ") {
		t.Errorf("%d:\n%s\nwant\n%s", r.code, r.out, want)
	}
	lines := strings.Split(r.out, "\n")
	for _, l := range lines[1:4] {
		if i := strings.Index(lines[0], "CALL"); i < 2 || l[i-1] != ' ' || l[i] == ' ' {
			t.Errorf("the column CALL begins elsewhere:\n%s", r.out)
		}
	}
}

func TestAuditShow(t *testing.T) {
	t.Parallel()
	h := newHome(t, "TZ=UTC")
	h.recorded(t, slices.Clone(calls)...)
	for _, tt := range []struct {
		id   string
		want []string
	}{
		{"1", []string{"Call       GET /s/github/user?page=1\n", "Status     200 OK\n", "Audience   zapier\n", "Token      0198-a\n", "Came in    local, from 127.0.0.1:9\n", "  Accept: */*\n", "  {\n    \"invoice\": 7781\n  }\n", "Response (22 bytes)\n"}},
		{"2", []string{"Reason     token_expired: The token expired at noon.\n", `  User-Agent: "evil\x1b]0;title\a"` + "\n", "  line one\\r\n  \\x1b[31mred\\u202e\n  über\ttab\n", `Call       "POST /s/github/\x1b[2J\u202egpj.exe\u2066"` + "\n"}},
		{"3", []string{"Replay of  0198\n", "  00000000  00 ff", "(only the beginning is on record)", "(not kept)"}},
	} {
		r := h.run(t, "audit", "show", tt.id)
		for _, w := range tt.want {
			if r.code != 0 || !strings.Contains(r.out, w) {
				t.Errorf("show %s: %d %s\n%q\nhas no %q", tt.id, r.code, r.errOut, r.out, w)
			}
		}
		if strings.ContainsAny(r.out, "\x1b\r\x07\u202e\u2066") {
			t.Errorf("show %s moves the cursor: %q", tt.id, r.out)
		}
		var x audit.Exchange
		r = h.run(t, "audit", "show", tt.id, "--json")
		if err := json.Unmarshal([]byte(r.out), &x); err != nil || strings.Count(r.out, "\n") != 1 {
			t.Fatalf("show %s --json: %q, %v", tt.id, r.out, err)
		}
		if byID := h.run(t, "audit", "show", x.ID, "--json"); byID.out != r.out || x.RequestBody == nil && x.ResponseBody == nil {
			t.Errorf("show %s: %s\nwant the same, with bodies, as %s", x.ID, byID.out, r.out)
		}
	}
	if r := h.run(t, "audit", "show", "77"); r.code != exitFailed || r.out != "" || !strings.Contains(r.errOut, "77: there is no such record") {
		t.Errorf("a record that is not there: %+v", r)
	}
}

func TestAuditExport(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.recorded(t, slices.Clone(calls)...)
	file := h.path("out.csv")
	r := h.run(t, "audit", "export", "--format", "csv", "--output", file, "service:github")
	if r.code != 0 || r.out != "" || r.errOut != file+": 2 records\n" {
		t.Fatalf("export: %+v", r)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v; want mode 0600", info, err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll(); err != nil || len(rows) != 3 {
		t.Errorf("%d rows, %v; want a head and 2", len(rows), err)
	}
	if r := h.run(t, "audit", "export", "--limit", "1"); r.code != 0 || strings.Count(r.out, "\n") != 1 || r.errOut != "" {
		t.Errorf("to stdout: %+v, want a line", r)
	}
	if r := h.run(t, "audit", "export", "--format", "har"); r.code != 0 || !json.Valid([]byte(r.out)) || !strings.Contains(r.out, `"http://127.0.0.1:8000/s/github/user?page=1"`) {
		t.Errorf("HAR: %+v", r)
	}
	if err := os.Chmod(file, 0o400); err != nil {
		t.Fatal(err)
	}
	if r := h.run(t, "audit", "export", "--output", file); r.code != exitFailed || !strings.Contains(r.errOut, file) {
		t.Errorf("to a file that is read-only: %+v", r)
	}
	if again, err := os.ReadFile(file); err != nil || !bytes.Equal(again, text) {
		t.Errorf("it was changed: %q, %v", again, err)
	}
}

// Commands work beside a Lockbox that runs, and tail follows it.
func TestAuditTail(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	s := h.serve(t)
	for i := range 12 {
		get(t, fmt.Sprintf("%s/s/demo/before/%d", s.url, i), "")
	}
	r := h.run(t, "audit", "tail")
	if r.code != 0 || strings.Count(r.out, "\n") != 11 || strings.Contains(r.out, "before/1 ") || strings.Index(r.out, "before/2 ") > strings.Index(r.out, "before/11") {
		t.Errorf("tail: %+v, want a head and the last 10", r)
	}
	f := h.start(t, "audit", "tail", "-f", "--limit", "1", "--search", "demo", "status:2xx")
	seen := func(what string) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !strings.Contains(f.out.String(), what); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("tail -f has no %s:\n%s%s", what, f.out, f.talk)
			}
		}
	}
	seen("before/11")
	for i := range 3 {
		get(t, fmt.Sprintf("%s/s/demo/after/%d", s.url, i), "")
		get(t, fmt.Sprintf("%s/s/nosuch/after/%d", s.url, i), "")
		seen(fmt.Sprintf("after/%d", i))
	}
	f.signal(t, syscall.SIGINT)
	if code := f.wait(t, time.Minute); code != exitDone {
		t.Errorf("interrupted: exit code %d, want 0", code)
	}
	if out := f.out.String(); strings.Count(out, "\n") != 5 || strings.Contains(out, "nosuch") || strings.Contains(out, "before/10") {
		t.Errorf("tail -f:\n%s\nwant a head and 4 calls", out)
	}
	if r := h.run(t, "audit", "list", "--limit", "1", "service:nosuch"); r.code != 0 || !strings.Contains(r.out, "after/2") {
		t.Errorf("list while Lockbox runs: %+v", r)
	}
}

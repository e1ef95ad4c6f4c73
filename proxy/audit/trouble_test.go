package audit

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestInUse(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	add(t, first, "s", "/1")
	second := open(t, dir)
	if err := second.Append(&Exchange{}); !errors.Is(err, ErrInUse) {
		t.Errorf("two write: %v, want %v", err, ErrInUse)
	}
	add(t, first, "s", "/2")
	if xs, err := second.List(Query{}); err != nil || len(xs) != 2 || xs[0].Path != "/2" {
		t.Errorf("the second reads %+v, %v", xs, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	x := Exchange{Time: time.Now(), Path: "/3"}
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		err := second.Append(&x)
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	if v, err := second.Verify(t.Context(), func(_, _ int64) {}); err != nil || !v.OK() || x.Seq != 3 {
		t.Errorf("record %d: %+v, %v", x.Seq, v, err)
	}
}

// indexed waits until searches read nothing but the index.
func indexed(t *testing.T, l *Log) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if until, err := l.index.until(t.Context()); err == nil && int(until) == l.Count() {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the index does not follow")
		}
	}
}

func TestClockSetBack(t *testing.T) {
	l := open(t, t.TempDir())
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	for i, at := range []time.Time{noon, noon.Add(time.Hour), noon.Add(-2 * time.Hour), noon.Add(-time.Hour), noon.Add(2 * time.Hour)} {
		if err := l.Append(&Exchange{Time: at, Path: fmt.Sprint("/", i)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, way := range []string{"from the files", "from the index"} {
		for _, tc := range []struct {
			since, until time.Duration
			want         string
		}{
			{-90 * time.Minute, 90 * time.Minute, "/3/1/0"},
			{-3 * time.Hour, -30 * time.Minute, "/3/2"},
			{90 * time.Minute, 9 * time.Hour, "/4"},
		} {
			got := ""
			xs, err := l.List(Query{Since: noon.Add(tc.since), Until: noon.Add(tc.until)})
			for _, x := range xs {
				got += x.Path
			}
			if err != nil || got != tc.want {
				t.Errorf("%s, %v to %v: got %s, %v; want %s", way, tc.since, tc.until, got, err, tc.want)
			}
		}
		indexed(t, l)
	}
	if v, err := l.Verify(t.Context(), func(_, _ int64) {}); err != nil || !v.OK() {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestIndexOfTheFiles: what the index says is what the files say.
func TestIndexOfTheFiles(t *testing.T) {
	l := open(t, t.TempDir())
	for i := range 300 {
		x := Exchange{Time: time.Now(), Service: []string{"github", "git hub", ""}[i%3], Method: "POST", Path: fmt.Sprint("/items/", i), Status: 200 + 100*(i%4),
			Audience: []string{"zapier", "zapier,n8n"}[i%2], JTI: fmt.Sprint("j", i%7), Listener: "local", Decision: []Decision{Allowed, Refused}[i%2],
			RequestBody: &Body{Text: fmt.Sprintf(`{"naïve": "Straße %d", "tag": "a-b_c"}`, i)}, ResponseHeader: map[string][]string{"X-Trace": {fmt.Sprint("t", i%5)}}}
		if err := l.Append(&x); err != nil {
			t.Fatal(err)
		}
	}
	queries := []string{"", "service:github", `service:"git hub" status:2xx`, "status:404 status:500", "status:5xx decision:refused", "audience:n8n", "token:j3", "token:j3 service:github",
		"straße", "STRASSE", "naïve 17", "naive", "a-b", "b_c", "a-c", "trace t4", "item*", "items*", "stra*", "items/2", `"post"`, "17 status:3xx", "nothing", "method:get", "method:post since:1h", "until:1h", "***", "-"}
	answer := func(words string) string {
		q, err := ParseQuery(words, time.Now())
		if err != nil {
			t.Fatal(words, err)
		}
		q.Limit = 1000
		xs, err := l.List(q)
		if err != nil {
			t.Fatal(words, err)
		}
		n, err := l.Matches(t.Context(), q)
		if err != nil || int(n) != len(xs) {
			t.Errorf("%s: %d match, %v; %d are listed", words, n, err, len(xs))
		}
		out := ""
		for _, x := range xs {
			out += x.Path
		}
		return out
	}
	index := l.index
	l.index = nil
	want := map[string]string{}
	for _, words := range queries {
		want[words] = answer(words)
	}
	l.index = index
	indexed(t, l)
	for _, words := range queries {
		if got := answer(words); got != want[words] {
			t.Errorf("%q: the index finds\n%s\nthe files have\n%s", words, got, want[words])
		}
	}
	for _, word := range []string{"service", "status", "audience", "decision"} {
		fromIndex, err := l.Values(t.Context(), word)
		l.index = nil
		fromFiles, err2 := l.Values(t.Context(), word)
		l.index = index
		if err != nil || err2 != nil || fmt.Sprint(fromIndex) != fmt.Sprint(fromFiles) || len(fromIndex) < 2 {
			t.Errorf("values of %s: %v, %v; want %v, %v", word, fromIndex, err, fromFiles, err2)
		}
	}
	q := Query{Status: []string{"5xx"}}
	buckets, err := l.Timeline(t.Context(), q, 7)
	var calls, errs int64
	for _, b := range buckets {
		calls, errs = calls+b.Calls, errs+b.Errors
	}
	if n, _ := l.Matches(t.Context(), q); err != nil || len(buckets) != 7 || calls != n || errs != n {
		t.Errorf("%d calls and %d errors in the timeline, %v; want %d", calls, errs, err, n)
	}
	for _, id := range []string{"1", "300"} {
		x, err := l.Get(id)
		if err != nil || x.RequestBody == nil {
			t.Errorf("record %s: %+v, %v", id, x, err)
		}
		if again, err := l.Get(x.ID); err != nil || again.Seq != x.Seq {
			t.Errorf("%s: %+v, %v", x.ID, again, err)
		}
	}
	for _, id := range []string{"0", "301", "-1", "x", "01977777-aaaa-7aaa-8aaa-aaaaaaaaaaaa"} {
		if _, err := l.Get(id); !errors.Is(err, ErrNoRecord) {
			t.Errorf("record %s: %v", id, err)
		}
	}
}

func TestDamagedIndex(t *testing.T) {
	for name, harm := range map[string]func(t *testing.T, path string){
		"noise": func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte("this is no database, and longer than the head of one is: some hundred bytes of noise to be sure"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"empty": func(t *testing.T, path string) {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"pages overwritten": func(t *testing.T, path string) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i := 4096; i < len(text); i++ {
				text[i] = byte(i * 7)
			}
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"of a later version": func(t *testing.T, path string) {
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec("PRAGMA user_version = 99"); err != nil {
				t.Fatal(err)
			}
		},
		"of another log": func(t *testing.T, path string) {
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec("UPDATE state SET until = 1000000"); err != nil {
				t.Fatal(err)
			}
		},
		"gone": func(t *testing.T, path string) { remove(t, path) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l := open(t, dir)
			for i := range 50 {
				add(t, l, []string{"a", "b"}[i%2], fmt.Sprint("/", i))
			}
			indexed(t, l)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			harm(t, filepath.Join(dir, "index.db"))
			again := open(t, dir)
			add(t, again, "a", "/last")
			indexed(t, again)
			if xs, err := again.List(Query{Service: []string{"a"}}); err != nil || len(xs) != 26 || xs[0].Path != "/last" {
				t.Errorf("%d found, %v; want 26", len(xs), err)
			}
			aside, _ := filepath.Glob(filepath.Join(dir, "index.db.*.damaged"))
			if kept := name != "gone" && name != "empty"; (len(aside) == 1) != kept {
				t.Errorf("set aside: %v", aside)
			}
		})
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// TestHeadOfNoRecord: a head that was spoilt is kept aside, and the log opens.
func TestHeadOfNoRecord(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	if err := os.WriteFile(dir+".head", []byte(`{"seq":-5,"hash":"x"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	l := open(t, dir)
	add(t, l, "a", "/x")
	if got := l.Count(); got != 1 {
		t.Errorf("%d records, want 1", got)
	}
	if aside, err := filepath.Glob(dir + ".head.*"); err != nil || len(aside) != 1 {
		t.Errorf("heads kept aside: %q, %v", aside, err)
	}
}

// TestRefusedRecordBeforeTheNextFile: what could not be taken back at once, since the
// disk refused that too, is taken back before the next file begins.
func TestRefusedRecordBeforeTheNextFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	l := open(t, dir)
	for range 3 {
		add(t, l, "a", "/x")
	}
	size, seq, tip, written := l.size, l.seq, l.tip, l.written
	add(t, l, "a", "/refused")
	l.mu.Lock()
	l.size, l.seq, l.tip, l.written, l.torn = size, seq, tip, written, true
	l.began = time.Now().Add(-segmentAge - time.Hour)
	l.mu.Unlock()
	add(t, l, "a", "/after")
	v, err := l.Verify(t.Context(), func(int64, int64) {})
	if err != nil || !v.OK() {
		t.Errorf("%q, %v", v.Lines(), err)
	}
}

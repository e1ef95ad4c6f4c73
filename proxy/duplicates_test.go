package proxy

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/token"
)

// numbered is an upstream that answers with the number of the call and its body.
func numbered(t *testing.T) (*httptest.Server, *atomic.Int64) {
	var calls atomic.Int64
	return upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		n := calls.Add(1)
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Number", fmt.Sprint(n))
		if status := r.URL.Query().Get("status"); status != "" {
			var code int
			_, _ = fmt.Sscan(status, &code)
			w.WriteHeader(code)
		}
		printf(w, "%d %s", n, body)
	}), &calls
}

func TestDuplicates(t *testing.T) {
	up, calls := numbered(t)
	l := newLab(t, services("a", shut(up.URL, `"duplicates": {"window": "10m"}`), "b", shut(up.URL, `"duplicates": {"window": "10m"}`), "off", shut(up.URL)))
	first, second := l.token(t, "a"), l.token(t, "a")
	type sent struct {
		method, path, body, token string
		header                    []string
	}
	post := sent{"POST", "/s/a/x", "pay 5", first, []string{"Content-Type", "text/plain"}}
	with := func(change func(s *sent)) sent { s := post; change(&s); return s }
	header := func(h ...string) sent { return with(func(s *sent) { s.header = append(s.header[:2:2], h...) }) }
	keyed := func(key string, change func(s *sent)) sent {
		s := header("Idempotency-Key", key)
		change(&s)
		return s
	}
	same := func(*sent) {}
	send := func(s sent, what string) reply { // of one case, told from those of others
		var body io.Reader
		if s.body != "" {
			body = strings.NewReader(s.body)
		}
		r := request(t, s.method, l.url+s.path, body, append(s.header, "Authorization", "Bearer "+s.token, "X-Case", what)...)
		if key := r.Header.Get("Idempotency-Key"); key != "" {
			r.Header.Set("Idempotency-Key", key+what)
		}
		return do(t, r)
	}
	for _, tt := range []struct {
		what          string
		first, second sent
		made          int64
		status        int // of the second; 0: 200
	}{
		{what: "the same", first: post, second: post, made: 1},
		{what: "a PUT", first: with(func(s *sent) { s.method = "PUT" }), second: with(func(s *sent) { s.method = "PUT" }), made: 1},
		{what: "a DELETE without a body", first: with(func(s *sent) { s.method, s.body = "DELETE", "" }), second: with(func(s *sent) { s.method, s.body = "DELETE", "" }), made: 1},
		{what: "another trace", first: header("Traceparent", "1", "X-Request-Id", "1"), second: header("Traceparent", "2", "User-Agent", "other"), made: 1},
		{what: "a GET", first: with(func(s *sent) { s.method, s.body = "GET", "" }), second: with(func(s *sent) { s.method, s.body = "GET", "" }), made: 2},
		{what: "another method", first: post, second: with(func(s *sent) { s.method = "PATCH" }), made: 2},
		{what: "another path", first: post, second: with(func(s *sent) { s.path += "y" }), made: 2},
		{what: "another spelling of the path", first: post, second: with(func(s *sent) { s.path = "/s/a/%78" }), made: 2},
		{what: "another query", first: post, second: with(func(s *sent) { s.path += "?n=1" }), made: 2},
		{what: "another body", first: post, second: with(func(s *sent) { s.body = "pay 6" }), made: 2},
		{what: "another type", first: post, second: with(func(s *sent) { s.header = []string{"Content-Type", "text/html"} }), made: 2},
		{what: "for another account", first: header("Stripe-Account", "1"), second: header("Stripe-Account", "2"), made: 2},
		{what: "another token", first: post, second: with(func(s *sent) { s.token = second }), made: 2},
		{what: "another service", first: post, second: with(func(s *sent) { s.path, s.token = "/s/b/x", l.token(t, "b") }), made: 2},
		{what: "not asked for", first: with(func(s *sent) { s.path, s.token = "/s/off/x", l.token(t, "off") }), second: with(func(s *sent) { s.path, s.token = "/s/off/x", l.token(t, "off") }), made: 2},
		{what: "the same key", first: keyed("k1", same), second: keyed("k1", same), made: 1},
		{what: "another key", first: keyed("k1", same), second: keyed("k2", same), made: 2},
		{what: "a key and none", first: keyed("k1", same), second: post, made: 2},
		{what: "the key of another token", first: keyed("k1", same), second: keyed("k1", func(s *sent) { s.token = second }), made: 2},
		{what: "the key of another call", first: keyed("k1", same), second: keyed("k1", func(s *sent) { s.body = "pay 6" }), made: 1, status: 422},
		{what: "the API redirected", first: with(func(s *sent) { s.path += "?status=302" }), second: with(func(s *sent) { s.path += "?status=302" }), made: 1, status: 302},
		{what: "the API refused", first: with(func(s *sent) { s.path += "?status=400" }), second: with(func(s *sent) { s.path += "?status=400" }), made: 2, status: 400},
		{what: "the API was busy", first: with(func(s *sent) { s.path += "?status=429" }), second: with(func(s *sent) { s.path += "?status=429" }), made: 2, status: 429},
		{what: "the API failed", first: with(func(s *sent) { s.path += "?status=500" }), second: with(func(s *sent) { s.path += "?status=500" }), made: 2, status: 500},
	} {
		calls.Store(0)
		a, b := send(tt.first, tt.what), send(tt.second, tt.what)
		if n := calls.Load(); n != tt.made {
			t.Errorf("%s: %d calls were made, want %d", tt.what, n, tt.made)
		}
		if tt.status == 0 {
			tt.status = 200
		}
		if b.status != tt.status {
			t.Errorf("%s: the second is answered %d %s, want %d", tt.what, b.status, b.body, tt.status)
		}
		mark := b.header.Get(duplicateHeader)
		repeated := tt.made == 1 && tt.status != 422
		if (mark != "") != repeated || a.header.Get(duplicateHeader) != "" {
			t.Errorf("%s: marked %q and %q", tt.what, a.header.Get(duplicateHeader), mark)
		}
		if tt.status == 422 {
			if code := b.code(t); code != "idempotency_key_reused" {
				t.Errorf("%s: %s", tt.what, b.body)
			}
			continue
		}
		if repeated && (a.body != b.body || a.status != b.status || a.header.Get("X-Number") != b.header.Get("X-Number")) {
			t.Errorf("%s: %d %q %v\nand then %d %q %v", tt.what, a.status, a.body, a.header, b.status, b.body, b.header)
		}
		if !repeated {
			continue
		}
		xs := l.exchanges(t)
		if xs[1].ID != mark || xs[0].Decision != audit.Allowed || !strings.HasPrefix(xs[0].Reason, "duplicate: The same call was made before, as "+mark) ||
			xs[0].BytesIn != int64(len(tt.first.body)) || xs[0].BytesOut != int64(len(a.body)) || xs[0].Status != a.status {
			t.Errorf("%s: on record as %+v", tt.what, xs[0])
		}
	}
}

// The same call while the first is under way waits for its answer, however many come.
func TestDuplicatesAtOnce(t *testing.T) {
	const callers = 64
	var calls atomic.Int64
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		n := calls.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		time.Sleep(50 * time.Millisecond)
		if r.URL.Path == "/late" && n == 1 {
			w.WriteHeader(http.StatusBadGateway) // the next one is to try
			return
		}
		printf(w, "made as %d", n)
	})
	l := newLab(t, services("a", open(up.URL, `"duplicates": {"window": "1m"}, "concurrency": 1, "quota": {"calls_per_day": 3}`)))
	for path, want := range map[string]struct{ made, failed int64 }{"/s/a/x": {1, 0}, "/s/a/late": {2, 1}} {
		calls.Store(0)
		var failed, answered atomic.Int64
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				got := do(t, request(t, http.MethodPost, l.url+path, strings.NewReader("body")))
				switch {
				case got.status == 200 && got.body == fmt.Sprintf("made as %d", want.made):
					answered.Add(1)
				case got.status == 502:
					failed.Add(1)
				default:
					t.Errorf("%s: %d %s", path, got.status, got.body)
				}
			})
		}
		wg.Wait()
		if calls.Load() != want.made || failed.Load() != want.failed || answered.Load() != callers-want.failed {
			t.Errorf("%s: %d calls were made, %d answered, %d failed", path, calls.Load(), answered.Load(), failed.Load())
		}
	}
	if u := l.Limits(); u[1].Used != 3 {
		t.Errorf("%d calls count, want those 3 that were made", u[1].Used)
	}
}

// A caller that loses its patience finds the answer at its next try.
func TestDuplicateOfImpatience(t *testing.T) {
	var calls atomic.Int64
	arrived, release := make(chan struct{}, 1), make(chan struct{})
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		arrived <- struct{}{}
		<-release
		printf(w, "paid")
	})
	l := newLab(t, services("a", open(up.URL, `"duplicates": {"window": "1m"}`)))
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	if res, err := client.Do(request(t, http.MethodPost, l.url+"/s/a/x", strings.NewReader("pay")).WithContext(ctx)); err == nil {
		t.Fatalf("answered with %+v", finish(res))
	}
	done := make(chan reply)
	go func() { done <- do(t, request(t, http.MethodPost, l.url+"/s/a/x", strings.NewReader("pay"))) }()
	time.Sleep(20 * time.Millisecond)
	close(release)
	got := <-done
	if got.status != 200 || got.body != "paid" || got.header.Get(duplicateHeader) == "" || calls.Load() != 1 {
		t.Errorf("%d calls; %d %s %v", calls.Load(), got.status, got.body, got.header)
	}
}

// What cannot be compared or kept.
func TestDuplicatesBounds(t *testing.T) {
	up, calls := numbered(t)
	breaks := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	breaks.Config.ErrorLog = silentLog()
	const guard = `"duplicates": {"window": "1m"}`
	l := newLab(t, services("a", open(up.URL, guard), "breaks", open(breaks.URL, guard), "gone", open("http://127.0.0.1:1", guard)))
	long := strings.Repeat("x", mostGuarded+1)
	for i, chunked := range []bool{false, true} {
		var body io.Reader = strings.NewReader(long)
		if chunked {
			body = io.MultiReader(body)
		}
		got := do(t, request(t, http.MethodPost, l.url+"/s/a/long", body))
		if got.status != 200 || calls.Load() != int64(i+1) || got.body != fmt.Sprintf("%d %s", i+1, long) {
			t.Errorf("a long body: %d, %d bytes, %d calls", got.status, len(got.body), calls.Load())
		}
	}
	if x := l.exchanges(t)[0]; !strings.HasPrefix(x.Reason, "not_guarded: ") || x.Decision != audit.Allowed {
		t.Errorf("a long body is on record as %+v", x)
	}
	// The number makes the answer longer than what was sent.
	calls.Store(0)
	longest := strings.Repeat("y", mostGuarded)
	for i, want := range []int{200, 409} {
		got := do(t, request(t, http.MethodPost, l.url+"/s/a/longest", io.MultiReader(strings.NewReader(longest))))
		if got.status != want || calls.Load() != 1 || want == 409 && got.code(t) != "duplicate" {
			t.Errorf("a long answer, %d: %d, %d calls", i, got.status, calls.Load())
		}
	}
	for i := range 2 {
		res, err := client.Do(request(t, http.MethodPost, l.url+"/s/breaks/x", strings.NewReader("x")))
		switch {
		case err != nil && i == 0: // before or after its head
		case err != nil:
			t.Fatal(err)
		default:
			if got := finish(res); i == 0 && got.err == nil || i == 1 && got.code(t) != "duplicate" {
				t.Errorf("an answer that breaks off, %d: %+v", i, got)
			}
		}
		if got := do(t, request(t, http.MethodPost, l.url+"/s/gone/x", strings.NewReader("x"))); got.code(t) != "upstream_unreachable" {
			t.Errorf("nobody there, %d: %s", i, got.body)
		}
	}
	// The last answer is from before the lock, and the call is remembered all the same.
	calls.Store(0)
	for i, want := range []int{200, 409} {
		if got := do(t, request(t, http.MethodPost, l.url+"/s/a/y", strings.NewReader("x"))); got.status != want || calls.Load() != 1 {
			t.Errorf("around a lock, %d: %d, %d calls", i, got.status, calls.Load())
		}
		l.duplicates.Drop()
	}
}

// A person who makes a call again means it.
func TestReplayIsNoDuplicate(t *testing.T) {
	up, calls := numbered(t)
	l := newLab(t, services("a", shut(up.URL, `"duplicates": {"window": "1m"}`)))
	v, _, err := token.Issue(labKey, "a", "x", time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	do(t, request(t, http.MethodPost, l.url+"/s/a/x", strings.NewReader("x"), "Authorization", "Bearer "+v.Reveal()))
	for range 2 {
		if _, err := l.Replay(t.Context(), Replay{Of: l.exchanges(t)[0].ID, Method: http.MethodPost, Target: "/s/a/x", Body: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	if calls.Load() != 3 {
		t.Errorf("%d calls were made, want 3", calls.Load())
	}
}

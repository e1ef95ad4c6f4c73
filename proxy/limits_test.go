package proxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"lockbox/proxy/audit"
	"lockbox/proxy/limit"
	"lockbox/proxy/token"
)

// counted counts what gets to an upstream, and how much at a time.
type counted struct {
	calls, under, most atomic.Int64
	takes              time.Duration // for each
}

func (c *counted) upstream(t *testing.T) string {
	return upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		c.calls.Add(1)
		for n := c.under.Add(1); ; {
			if most := c.most.Load(); n <= most || c.most.CompareAndSwap(most, n) {
				break
			}
		}
		defer c.under.Add(-1)
		time.Sleep(c.takes)
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Ratelimit-Remaining", "7")
		w.Header().Set("Ratelimit", `"theirs";r=5`)
		printf(w, "ok")
	}).URL
}

func TestLimited(t *testing.T) {
	var up counted
	l := newLab(t, services("a", shut(up.upstream(t), `"tunnel": true, "rate_limit": {"requests": 5, "per": "1h"}, "each_token": {"quota": {"writes_per_day": 1}}`)))
	auth := []string{"Authorization", "Bearer " + l.token(t, "a")}
	post := func(base string) reply {
		return do(t, request(t, http.MethodPost, base+"/s/a/x", strings.NewReader("body"), auth...))
	}
	first := post(l.url)
	if first.status != 200 || first.header.Get("X-Ratelimit-Remaining") != "7" {
		t.Fatalf("got %d %v", first.status, first.header)
	}
	fields := strings.Join(first.header["Ratelimit"], ", ")
	for _, want := range []string{`"theirs";r=5`, `"lockbox-rate_limit";r=4;t=720`, `"lockbox-token-writes_per_day";r=0;t=`} {
		if !strings.Contains(fields, want) {
			t.Errorf("RateLimit is %s, which lacks %s", fields, want)
		}
	}
	if p := first.header.Get("Ratelimit-Policy"); !strings.Contains(p, `"lockbox-rate_limit";q=5;w=3600, "lockbox-token-writes_per_day";q=1;w=86400`) {
		t.Errorf("RateLimit-Policy is %s", p)
	}
	for _, base := range []string{l.url, "http://" + opened(t, l)} {
		got := post(base)
		if code := got.code(t); code != "rate_limited" || got.status != 429 || !strings.Contains(got.body, `This token may make 1 write a day to service \"a\"`) {
			t.Errorf("a second write: %d %s", got.status, got.body)
		}
		if after := got.header.Get("Retry-After"); len(after) < 1 || after[0] < '1' || len(after) > 5 || !strings.Contains(got.header.Get("Ratelimit"), `"lockbox-token-writes_per_day";r=0`) {
			t.Errorf("a second write: %v", got.header)
		}
	}
	for i := range 6 {
		got, want := get(t, l.url+"/s/a/x", auth...), 200
		if i >= 4 {
			want = 429
		}
		if got.status != want {
			t.Errorf("call %d: %d, want %d: %s", i, got.status, want, got.body)
		}
	}
	if n := up.calls.Load(); n != 5 {
		t.Errorf("%d calls were made, want 5", n)
	}
	refused := 0
	for _, x := range l.exchanges(t) {
		if x.Status == 429 && x.Decision == audit.Refused && strings.HasPrefix(x.Reason, "rate_limited: ") {
			refused++
		}
	}
	if refused != 4 {
		t.Errorf("%d refusals are on record, want 4", refused)
	}
}

// Who has no valid token learns nothing of limits, and uses none up.
func TestLimitsOfStrangers(t *testing.T) {
	var up counted
	l := newLab(t, services("a", shut(up.upstream(t), `"tunnel": true, "rate_limit": {"requests": 1, "per": "1h"}`)))
	public := "http://" + opened(t, l)
	stranger := func() reply { return get(t, public+"/s/a/x", "Authorization", "Bearer "+strings.Repeat("x", 40)) }
	before := stranger()
	if got := get(t, public+"/s/a/x", "Authorization", "Bearer "+l.token(t, "a")); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	after := stranger()
	if before.status != 401 || before.body != after.body || fmt.Sprint(keys(before.header)) != fmt.Sprint(keys(after.header)) {
		t.Errorf("before: %d %s %v\nafter: %d %s %v", before.status, before.body, before.header, after.status, after.body, after.header)
	}
}

func keys(h http.Header) map[string]int {
	all := map[string]int{}
	for name, values := range h {
		all[name] = len(values)
	}
	return all
}

// 64 callers at a time, by both ways and the public side, and a reload every moment:
// exactly as many calls get through as may, and never more at a time than may.
func TestLimitsStorm(t *testing.T) {
	const callers, quota, tokenQuota, most = 64, 400, 60, 6
	up := counted{takes: 2 * time.Millisecond}
	text := services("a", shut(up.upstream(t), fmt.Sprintf(`"tunnel": true, "concurrency": %d, "quota": {"calls_per_month": %d}, "each_token": {"quota": {"calls_per_day": %d}}`, most, quota, tokenQuota)))
	l := newLab(t, text)
	addrs := []string{l.addr, opened(t, l)}
	var tokens [8]string // more than the quota of the service has room for
	for i := range tokens {
		tokens[i] = "Bearer " + l.token(t, "a")
	}
	var ok, spent atomic.Int64
	var byToken [8]atomic.Int64
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			keep := &http.Transport{MaxConnsPerHost: 1}
			defer keep.CloseIdleConnections()
			for {
				method, body := http.MethodGet, io.Reader(nil)
				if i%3 == 0 {
					method, body = http.MethodPost, strings.NewReader("body")
				}
				res, err := keep.RoundTrip(request(t, method, "http://"+addrs[i%2]+"/s/a/x", body, "Authorization", tokens[i/2%8]))
				if err != nil {
					t.Errorf("caller %d: %v", i, err)
					return
				}
				switch got := finish(res); {
				case got.status == 200:
					ok.Add(1)
					byToken[i/2%8].Add(1)
				case got.status == 429 && strings.Contains(got.body, "at a time"):
					time.Sleep(time.Millisecond)
				case got.status == 429:
					spent.Add(1)
					return
				default:
					t.Errorf("caller %d: %d %s", i, got.status, got.body)
					return
				}
			}
		})
	}
	var reloads int
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for running := true; running; reloads++ {
		l.reloaded(t, func() {})
		select {
		case <-done:
			running = false
		case <-time.After(time.Millisecond):
		}
	}
	if ok.Load() != quota || up.calls.Load() != quota || spent.Load() != callers {
		t.Errorf("%d calls were answered and %d made, want %d; %d callers got to the end", ok.Load(), up.calls.Load(), quota, spent.Load())
	}
	if t.Failed() {
		by := map[string]int{}
		for _, x := range l.exchanges(t) {
			by[fmt.Sprint(x.Status, x.Decision, x.Reason)]++
		}
		t.Logf("%+v\n%v", l.Limits(), by)
	}
	if n := up.most.Load(); n > most || n < 2 {
		t.Errorf("%d calls were under way at a time, want some, and %d at most", n, most)
	}
	for i := range byToken {
		if n := byToken[i].Load(); n > tokenQuota {
			t.Errorf("%d calls with token %d, want %d at most", n, i, tokenQuota)
		}
	}
	t.Logf("%d reloads, %d at a time", reloads, up.most.Load())
}

// A call counts as under way until its caller can know that it has ended, however
// that is, and no longer.
func TestConcurrencyEnds(t *testing.T) {
	release := make(chan struct{})
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/stream":
			w.(http.Flusher).Flush()
			<-release
		case "/socket":
			conn, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
			if err == nil {
				_, _, _ = conn.ReadMessage()
				_ = conn.Close()
			}
			return
		case "/break":
			w.Header().Set("Content-Length", "100")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		printf(w, "ok")
	})
	up.Config.ErrorLog = silentLog()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close() // nobody is there
	limits := `"concurrency": 1`
	l := newLab(t, services("a", open(up.URL, limits), "gone", open("http://"+ln.Addr().String(), limits),
		"keyless", open(up.URL, `"concurrency": 1, "credential": {"type": "oauth2_client_credentials", "token_url": "http://`+ln.Addr().String()+`/t", "client_id": "x", "client_secret": "y"}, "quota": {"calls_per_day": 3}`)))
	free := func(what string) {
		t.Helper()
		for range 3 {
			if got := get(t, l.url+"/s/a/x"); got.status != 200 {
				t.Errorf("after %s: %d %s", what, got.status, got.body)
			}
		}
	}
	busy := func(what string) {
		t.Helper()
		got := get(t, l.url+"/s/a/x")
		if got.status != 429 || got.header.Get("Retry-After") != "1" || !strings.Contains(got.body, "takes 1 call at a time") {
			t.Errorf("during %s: %d %s", what, got.status, got.body)
		}
	}
	free("nothing")
	res, err := client.Do(request(t, http.MethodGet, l.url+"/s/a/stream", nil))
	if err != nil {
		t.Fatal(err)
	}
	busy("a stream")
	close(release)
	if got := finish(res); got.body != "ok" {
		t.Errorf("the stream ended as %+v", got)
	}
	free("a stream")
	conn, res, err := websocket.DefaultDialer.Dial(strings.Replace(l.url, "http", "ws", 1)+"/s/a/socket", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	busy("a WebSocket")
	_ = conn.WriteMessage(websocket.TextMessage, []byte("bye"))
	_, _, _ = conn.ReadMessage()
	_ = conn.Close()
	l.eventually(t, "the WebSocket", func(x audit.Exchange) bool { return x.Status == 101 })
	free("a WebSocket")
	if got, err := client.Do(request(t, http.MethodGet, l.url+"/s/a/break", nil)); err == nil {
		_ = finish(got)
	}
	l.eventually(t, "the answer that broke off", func(x audit.Exchange) bool { return x.Path == "/s/a/break" })
	free("an answer that broke off")
	for range 5 {
		if got := get(t, l.url+"/s/gone/x"); got.status != 502 || got.header.Get("X-Lockbox-Error") != "upstream_unreachable" {
			t.Errorf("nobody there: %d %s", got.status, got.body)
		}
		if got := get(t, l.url+"/s/keyless/x"); got.header.Get("X-Lockbox-Error") != "credential_unavailable" {
			t.Errorf("no credential: %d %s", got.status, got.body)
		}
	}
}

// Limits are seen from outside.
func TestLimitsShown(t *testing.T) {
	var up counted
	l := newLab(t, services("a", shut(up.upstream(t), `"concurrency": 4, "each_token": {"quota": {"calls_per_day": 1}}`), "b", open("http://b.example")), func(l *lab) { l.metrics = &metrics{} })
	v, claims, err := token.Issue(labKey, "a", "x", time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		get(t, l.url+"/s/a/x", "Authorization", "Bearer "+v.Reveal())
	}
	var got []string
	for _, u := range l.Limits() {
		got = append(got, fmt.Sprintf("%s %s %s %d/%d", u.Service, u.Token, u.Limit, u.Used, u.Most))
	}
	if want := fmt.Sprintf("[a  concurrency 0/4 a %s calls_per_day 1/1]", claims.JTI); fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if text := get(t, l.url+"/metrics").body; !strings.Contains(text, "lockbox_limited_total{service=\"a\",limit=\"quota\"} 2\n") {
		t.Errorf("the metrics lack the refusals:\n%s", text)
	}
}

// What cannot be counted is not made.
func TestUncounted(t *testing.T) {
	var up counted
	l := newLab(t, services("a", open(up.upstream(t), `"quota": {"calls_per_day": 9}`)), brokenBook(t))
	got := get(t, l.url+"/s/a/x")
	if got.code(t) != "quota_unknown" || got.status != 503 || up.calls.Load() != 0 {
		t.Errorf("%d %s, %d calls were made", got.status, got.body, up.calls.Load())
	}
	if said := l.said.String(); !strings.Contains(said, "line 1 cannot be read") || !strings.Contains(said, "move the file away") {
		t.Errorf("the log says\n%s", said)
	}
}

// brokenBook has quotas counted in a file that something else has written into.
func brokenBook(t *testing.T) func(*lab) {
	path := filepath.Join(t.TempDir(), "limits.jsonl")
	if err := os.WriteFile(path, []byte(strings.Repeat("x", 512)), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(l *lab) {
		book := limit.Open(path, l.Server.log)
		t.Cleanup(func() { _ = book.Close() })
		l.limits = limit.New(book)
	}
}

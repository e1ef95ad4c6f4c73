package proxy

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"lockbox/proxy/approval"
	"lockbox/proxy/audit"
	"lockbox/proxy/register"
	"lockbox/proxy/token"
)

const askRule = `"rules": [{"action": "allow", "methods": ["GET"]}, {"action": "ask", "path": "/pay/**", "note": "Money leaves."}]`

// asking is a lab with one service that asks about what is below /pay, and counts
// what gets to its upstream.
type asking struct {
	*lab
	t       *testing.T
	token   string
	sides   map[string]string // local, public
	arrived atomic.Int64
	bodies  chan string
}

func newAsking(t *testing.T, wait string, change ...func(*lab)) *asking {
	t.Helper()
	a := &asking{t: t, bodies: make(chan string, 100)}
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		if websocket.IsWebSocketUpgrade(r) {
			socketEcho(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		if r.Method == http.MethodPost {
			a.arrived.Add(1)
			a.bodies <- string(body)
		}
		_, _ = io.WriteString(w, "done")
	})
	text := strings.TrimSuffix(services("bank", shut(up.URL, `"tunnel": true`, `"credential": {"type": "bearer", "token": "real-key-0001"}`, askRule)), "}") + fmt.Sprintf(`, "ask": {"wait": %q}}`, wait)
	a.lab = newLab(t, text, change...)
	a.token = a.lab.token(t, "bank")
	a.sides = map[string]string{"local": a.url, "public": "http://" + opened(t, a.lab)}
	return a
}

// call posts to /pay/1 and brings the answer later.
func (a *asking) call(side, body string) chan reply {
	out := make(chan reply, 1)
	r := request(a.t, "POST", a.sides[side]+"/s/bank/pay/1?x=1", strings.NewReader(body), "Authorization", "Bearer "+a.token, "Content-Type", "application/json")
	go func() {
		res, err := client.Transport.RoundTrip(r)
		if err != nil {
			out <- reply{err: err}
			return
		}
		out <- finish(res)
	}()
	return out
}

// waiting waits until so many calls wait, and gives the first question.
func (a *asking) waiting(n int) approval.Question {
	a.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		all, sum := a.Approvals().List(), 0
		for _, q := range all {
			sum += q.Waiting
		}
		if sum == n && len(all) > 0 {
			return all[0]
		}
	}
	a.t.Fatalf("not %d calls wait; the questions are %+v", n, a.Approvals().List())
	return approval.Question{}
}

func (a *asking) answer(q approval.Question, answer approval.Answer) {
	a.t.Helper()
	if err := a.Approvals().Answer(q.ID, answer, "window"); err != nil {
		a.t.Fatal(err)
	}
}

func TestAsk(t *testing.T) {
	a := newAsking(t, "1m")
	const body = `{"amount": 100}`
	for side := range a.sides {
		if r := get(t, a.sides[side]+"/s/bank/pay/1", "Authorization", "Bearer "+a.token); r.status != 200 || a.Approvals().Open() != 0 {
			t.Errorf("%s: what a rule allows: %d, %d questions", side, r.status, a.Approvals().Open())
		}
		if r := get(t, a.sides[side]+"/s/bank/pay/1"); r.status != 401 {
			t.Errorf("%s: without a token: %d", side, r.status)
		}
		out := a.call(side, body)
		q := a.waiting(1)
		want := approval.Call{Identity: q.Identity, Caller: q.Caller, Service: "bank", Listener: side, Remote: q.Remote, Audience: []string{"x"}, JTI: q.JTI, Method: "POST", Path: "/pay/1", Query: "x=1", ContentType: "application/json", Rule: "2 ask /pay/**", Note: "Money leaves."}
		got := q.Call
		got.Body = nil
		if fmt.Sprint(got) != fmt.Sprint(want) || q.Body == nil || q.Body.Text != body || q.JTI == "" || q.Remote == "" {
			t.Errorf("%s: the question is %+v, want %+v", side, q, want)
		}
		if a.arrived.Load() != 0 {
			t.Fatal("the call got through before the answer")
		}
		began := time.Now()
		a.answer(q, approval.Once)
		r := <-out
		t.Logf("%s: answered %v after Allow", side, time.Since(began))
		if got := <-a.bodies; r.status != 200 || r.body != "done" || got != body {
			t.Errorf("%s: %d %s, the upstream got %s", side, r.status, r.body, got)
		}
		x := a.eventually(t, "the call", func(x audit.Exchange) bool { return x.Method == "POST" && x.Listener == side && x.Status == 200 })
		if x.Decision != audit.Allowed || !strings.HasPrefix(x.Reason, "approved: A person allowed this call (window, after ") || !strings.HasPrefix(x.Rule, "2 ask") || x.RequestBody == nil || x.RequestBody.Text != body {
			t.Errorf("%s: the record is %+v", side, x)
		}

		out = a.call(side, `{"amount": 5000, "from": "`+side+`"}`)
		a.answer(a.waiting(1), approval.Deny)
		if r := <-out; r.status != 403 || r.code(t) != "denied_by_person" {
			t.Errorf("%s: denied: %d %s", side, r.status, r.body)
		}
		if r := <-a.call(side, `{"amount": 5000, "from": "`+side+`"}`); r.status != 403 {
			t.Errorf("%s: the same again: %d %s", side, r.status, r.body)
		}
		x = a.eventually(t, "the denied call", func(x audit.Exchange) bool {
			return x.Listener == side && x.Status == 403 && strings.Contains(x.Reason, "window")
		})
		if x.Decision != audit.Refused || !strings.HasPrefix(x.Reason, "denied_by_person: ") || x.RequestBody == nil || !strings.Contains(x.RequestBody.Text, "5000") {
			t.Errorf("%s: the record is %+v", side, x)
		}
		a.arrived.Store(0)
	}
}

func TestAskWithoutAnswer(t *testing.T) {
	a := newAsking(t, "1s")
	for side := range a.sides {
		began := time.Now()
		r := <-a.call(side, side)
		if took := time.Since(began); r.status != 429 || r.code(t) != "approval_pending" || r.header.Get("Retry-After") != retryPending || took < time.Second {
			t.Errorf("%s: %d %s with %v after %v", side, r.status, r.body, r.header, took)
		}
		all := a.Approvals().List()
		all = slices.DeleteFunc(all, func(q approval.Question) bool { return !q.Open() || q.Body.Text != side })
		a.answer(all[0], approval.Once)
		if r := <-a.call(side, side); r.status != 200 {
			t.Errorf("%s: the retry: %d %s", side, r.status, r.body)
		}
		if r := <-a.call(side, side); r.status != 429 {
			t.Errorf("%s: once more: %d %s", side, r.status, r.body)
		}
	}
	if n := a.arrived.Load(); n != 2 {
		t.Errorf("%d calls got through, want 2", n)
	}
	a.eventually(t, "the retry", func(x audit.Exchange) bool { return x.Reason == "approved: A person allowed this call (remembered)." })
	a.eventually(t, "the silence", func(x audit.Exchange) bool {
		return x.Decision == audit.Refused && strings.HasPrefix(x.Reason, "approval_pending: ") && strings.Contains(x.Reason, "The call waited 1s")
	})
}

// TestAskOnce: of 64 same callers, one Allow lets one through.
func TestAskOnce(t *testing.T) {
	for _, side := range []string{"local", "public"} {
		a := newAsking(t, "1m")
		var all []chan reply
		for range 64 {
			all = append(all, a.call(side, "the same"))
		}
		a.answer(a.waiting(64), approval.Once)
		count := map[int]int{}
		for _, out := range all {
			count[(<-out).status]++
		}
		if n := a.arrived.Load(); n != 1 || count[200] != 1 || count[429] != 63 {
			t.Errorf("%s: %d calls got through; the statuses are %v", side, n, count)
		}
	}
}

// TestAskBodies: what was read for the question goes on whole, and what is too long
// to be compared passes while it waits only.
func TestAskBodies(t *testing.T) {
	a := newAsking(t, "1s")
	for name, body := range map[string]string{"empty": "", "short": "x", "shown in part": strings.Repeat("0123456789", shownBody/5), "at the bound": strings.Repeat("y", askedBody), "beyond it": strings.Repeat("0123456789", askedBody/4)} {
		for _, chunked := range []bool{false, true} {
			var from io.Reader = strings.NewReader(body)
			if chunked {
				from = io.MultiReader(from) // of no length that net/http knows
			}
			r := request(t, "POST", a.url+"/s/bank/pay/"+strings.ReplaceAll(name, " ", "-"), from, "Authorization", "Bearer "+a.token)
			out := make(chan reply, 1)
			go func() { out <- do(t, r) }()
			q := a.waiting(1)
			if q.Body != nil && len(q.Body.Text) > shownBody || q.Body == nil && body != "" {
				t.Errorf("%s: the question has a body of %v", name, q.Body)
			}
			a.answer(q, approval.Once)
			if r := <-out; r.status != 200 {
				t.Fatalf("%s, chunked %v: %d %s", name, chunked, r.status, r.body)
			}
			if got := <-a.bodies; got != body {
				t.Errorf("%s, chunked %v: %d bytes arrived, want %d", name, chunked, len(got), len(body))
			}
		}
	}
	long := strings.Repeat("z", askedBody+1)
	if r := <-a.call("local", long); r.status != 429 {
		t.Errorf("too long to be compared: %d", r.status)
	}
	a.answer(a.Approvals().List()[0], approval.Once)
	if r := <-a.call("local", long); r.status != 429 {
		t.Errorf("the same again, which nobody can know: %d", r.status)
	}
}

// TestAskEnds: what ends waiting answers at once.
func TestAskEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		end    func(*asking)
		status int
		code   string
	}{
		"paused":   {func(a *asking) { a.SetPaused(true) }, 503, "paused"},
		"locked":   {func(a *asking) { a.Lock() }, 503, "locked"},
		"shutdown": {func(a *asking) { a.stop() }, 429, "approval_pending"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAsking(t, "5m")
			out := a.call("local", "x")
			q := a.waiting(1)
			began := time.Now()
			tt.end(a)
			if r := <-out; r.status != tt.status || r.code(t) != tt.code || time.Since(began) > time.Minute {
				t.Errorf("%d %s after %v", r.status, r.body, time.Since(began))
			}
			if a.waiting(0).ID != q.ID || a.arrived.Load() != 0 {
				t.Error("the question is gone, or the call got through")
			}
		})
	}
}

// TestAskAcrossReload: a call finishes on the rules that it began with.
func TestAskAcrossReload(t *testing.T) {
	a := newAsking(t, "1m")
	out := a.call("local", "x")
	q := a.waiting(1)
	a.reloaded(t, func() {
		a.text = strings.ReplaceAll(a.text, `, {"action": "ask", "path": "/pay/**", "note": "Money leaves."}`, "")
	})
	if a.waiting(1).ID != q.ID || a.arrived.Load() != 0 {
		t.Fatal("the reload ended the waiting")
	}
	if r := <-a.call("local", "y"); r.status != 403 || r.code(t) != "denied_by_rule" {
		t.Errorf("by the new rules: %d %s", r.status, r.body)
	}
	a.answer(q, approval.Once)
	if r := <-out; r.status != 200 {
		t.Errorf("by the old rules: %d %s", r.status, r.body)
	}
}

func TestAskRevoked(t *testing.T) {
	var list *register.Register
	a := newAsking(t, "1m", registered(t, &list))
	for side := range a.sides {
		v, claims, err := token.Issue(labKey, "bank", "x", time.Hour, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		a.token = v.Reveal()
		out := a.call(side, side)
		q := a.waiting(1)
		if err := list.Revoke(claims.JTI, time.Now()); err != nil {
			t.Fatal(err)
		}
		a.answer(q, approval.Once)
		if r := <-out; r.status != 401 {
			t.Errorf("%s: allowed when the token was revoked meanwhile: %d %s", side, r.status, r.body)
		}
	}
	if n := a.arrived.Load(); n != 0 {
		t.Errorf("%d calls got through", n)
	}
}

func TestAskCallerLeaves(t *testing.T) {
	a := newAsking(t, "5m")
	ctx, leave := context.WithCancel(t.Context())
	r := request(t, "POST", a.url+"/s/bank/pay/1?x=1", strings.NewReader("x"), "Authorization", "Bearer "+a.token, "Content-Type", "application/json").WithContext(ctx)
	left := make(chan error, 1)
	go func() {
		res, err := client.Transport.RoundTrip(r)
		if err == nil {
			_ = res.Body.Close()
		}
		left <- err
	}()
	a.waiting(1)
	leave()
	if err := <-left; err == nil {
		t.Error("the call was answered")
	}
	q := a.waiting(0)
	x := a.eventually(t, "the call", func(x audit.Exchange) bool { return x.Status == statusCallerGone })
	if x.Decision != audit.Failed || !strings.HasPrefix(x.Reason, "caller_aborted: ") {
		t.Errorf("the record is %+v", x)
	}
	a.answer(q, approval.Once)
	if r := <-a.call("local", "x"); r.status != 200 {
		t.Errorf("the retry: %d %s", r.status, r.body)
	}
}

// TestAskSocket: a WebSocket is asked about before it is one.
func TestAskSocket(t *testing.T) {
	a := newAsking(t, "1m")
	a.reloaded(t, func() { a.text = strings.Replace(a.text, `{"action": "allow", "methods": ["GET"]}, `, "", 1) })
	for _, answer := range []approval.Answer{approval.Deny, approval.Once} {
		done := make(chan int, 1)
		go func() {
			c, res, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(a.url, "http")+"/s/bank/pay/"+string(answer), http.Header{"Authorization": {"Bearer " + a.token}})
			if res == nil {
				t.Error(err)
				done <- 0
				return
			}
			if c != nil {
				_, msg, err := c.ReadMessage()
				if string(msg) != hex.EncodeToString([]byte("Bearer real-key-0001")) || err != nil {
					t.Errorf("the socket says %q, %v", msg, err)
				}
				_ = c.Close()
			}
			done <- res.StatusCode
		}()
		q := a.waiting(1)
		if !q.WebSocket {
			t.Error("the question does not say that it is about a WebSocket")
		}
		a.answer(q, answer)
		if got, want := <-done, map[approval.Answer]int{approval.Deny: 403, approval.Once: 101}[answer]; got != want {
			t.Errorf("%s: %d, want %d", answer, got, want)
		}
	}
}

// TestAskShowsNoSecret: neither the question nor the record has a key or token.
func TestAskShowsNoSecret(t *testing.T) {
	a := newAsking(t, "1m")
	out := make(chan reply, 1)
	r := request(t, "POST", a.url+"/s/bank/pay/real-key-0001?api_key=abcdefgh12345&x="+strings.Repeat("q", 3), strings.NewReader(`{"key": "real-key-0001", "note": "`+a.token+`"}`), "Authorization", "Bearer "+a.token)
	go func() { out <- do(t, r) }()
	q := a.waiting(1)
	if shown := fmt.Sprintf("%+v %+v", q.Call, q.Body); strings.Contains(shown, "real-key-0001") || strings.Contains(shown, "abcdefgh12345") || strings.Contains(shown, a.token) || !strings.Contains(shown, "qqq") {
		t.Errorf("the question is %s", shown)
	}
	a.answer(q, approval.Once)
	<-out
	if got := <-a.bodies; !strings.Contains(got, "real-key-0001") {
		t.Errorf("the upstream got %s", got)
	}
}

// TestAskReplay: who makes a call again at the desktop has said yes by that.
func TestAskReplay(t *testing.T) {
	a := newAsking(t, "1m")
	x, err := a.Replay(t.Context(), Replay{Of: "0198-of", Method: "POST", Target: "/s/bank/pay/1", Body: []byte("again")})
	if err != nil || x.Status != 200 || <-a.bodies != "again" || a.Approvals().Open() != 0 {
		t.Errorf("%+v, %v", x, err)
	}
}

// TestAskBeyondBounds: when too many calls wait, more are turned away at once, and
// calls that nobody is asked about go on.
func TestAskBeyondBounds(t *testing.T) {
	a := newAsking(t, "5m")
	var all []chan reply
	for i := range approval.MaxOpenOfCaller {
		all = append(all, a.call("local", fmt.Sprint(i)))
	}
	a.waiting(len(all))
	if r := <-a.call("local", "one more"); r.status != 429 || r.code(t) != "approval_pending" || r.header.Get("Retry-After") == "" {
		t.Errorf("one more: %d %s", r.status, r.body)
	}
	if r := get(t, a.url+"/s/bank/balance", "Authorization", "Bearer "+a.token); r.status != 200 {
		t.Errorf("a call that is allowed: %d", r.status)
	}
	var wg sync.WaitGroup
	for _, q := range a.Approvals().List() {
		wg.Go(func() { a.answer(q, approval.Once) })
	}
	wg.Wait()
	for _, out := range all {
		if r := <-out; r.status != 200 {
			t.Errorf("one that waited: %d %s", r.status, r.body)
		}
	}
}

// TestAskUnsentBody: a caller that never sends its body is given up on, and nobody
// is asked.
func TestAskUnsentBody(t *testing.T) {
	a := newAsking(t, "5m", func(l *lab) { l.stall = 200 * time.Millisecond })
	conn, err := net.Dial("tcp", a.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	printf(conn, "POST /s/bank/pay/1 HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Length: 10\r\n\r\nhalf", a.addr, a.token)
	x := a.eventually(t, "the call", func(x audit.Exchange) bool { return x.Method == "POST" })
	if x.Status != 400 || !strings.HasPrefix(x.Reason, "bad_body: ") || a.Approvals().Open() != 0 {
		t.Errorf("the record is %+v", x)
	}
}

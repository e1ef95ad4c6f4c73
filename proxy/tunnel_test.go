package proxy

import (
	"bufio"
	"cmp"
	"context"
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

	"lockbox/proxy/audit"
)

const tunnelHost = "mine.ngrok.test"

// tunnelEnd is a listener whose connections have the addresses that a test says.
type tunnelEnd struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

// from is a connection of a caller at an address.
type from struct {
	net.Conn
	addr net.Addr
}

func (f from) RemoteAddr() net.Addr { return f.addr }

func (e *tunnelEnd) Accept() (net.Conn, error) {
	select {
	case c := <-e.conns:
		return c, nil
	case <-e.done:
		return nil, net.ErrClosed
	}
}

func (e *tunnelEnd) Close() error   { e.once.Do(func() { close(e.done) }); return nil }
func (e *tunnelEnd) Addr() net.Addr { return &net.TCPAddr{} }

// dial is a caller's connection.
func (e *tunnelEnd) dial(t testing.TB, address string) net.Conn {
	t.Helper()
	addr, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	select {
	case e.conns <- from{far, addr}:
	case <-e.done:
		t.Fatal("the tunnel is closed")
	}
	return near
}

// tunnelled serves a lab's public side as a tunnel does.
func tunnelled(t testing.TB, l *lab) *tunnelEnd {
	t.Helper()
	e := &tunnelEnd{conns: make(chan net.Conn), done: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.ServeTunnel(ctx, e, func() string { return tunnelHost }, nil) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("ServeTunnel: %v", err)
		}
	})
	return e
}

// caller makes calls on one connection, one after the other.
type tunnelCaller struct {
	conn net.Conn
	in   *bufio.Reader
}

func (e *tunnelEnd) caller(t testing.TB, address string) *tunnelCaller {
	conn := e.dial(t, address)
	t.Cleanup(func() { _ = conn.Close() })
	return &tunnelCaller{conn, bufio.NewReader(conn)}
}

// call gives the answer's status, and all of it but the date.
func (c *tunnelCaller) call(t testing.TB, method, path, host string, headers ...string) (int, string) {
	t.Helper()
	if _, err := fmt.Fprintf(c.conn, "%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", method, path, host, strings.Join(headers, "")); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	res.Header.Del("Date")
	return res.StatusCode, fmt.Sprint(res.StatusCode, res.Header, string(body))
}

func bearer(token string) string { return "Authorization: Bearer " + token + "\r\n" }

func TestTunnelRefusalsAreAlike(t *testing.T) {
	up := echo(t)
	l := newLab(t, services("pub", shut(up.URL, public), "home", shut(up.URL), "open", open(up.URL),
		"near", shut(up.URL, public, `"allow_from": ["203.0.113.0/24", "2001:db8::/32"]`), "nobody", shut(up.URL, public, `"allow_from": []`)))
	e := tunnelled(t, l)
	n := 0
	call := func(path, host string, headers ...string) string {
		n++ // the brake is another test's
		_, all := e.caller(t, fmt.Sprintf("198.51.%d.%d:7", n/250, n%250)).call(t, "GET", path, host, headers...)
		return all
	}
	service, other := call("/s/nosuch/x", tunnelHost), call("/nosuch", tunnelHost)
	if !strings.HasPrefix(service, "401") || !strings.HasPrefix(other, "404") {
		t.Fatalf("unknown: %s, %s", service, other)
	}
	good := bearer(l.token(t, "pub"))
	for name, got := range map[string]string{
		"wrong token":                call("/s/pub/x", tunnelHost, bearer("x")),
		"no token":                   call("/s/pub/x", tunnelHost),
		"unmarked":                   call("/s/home/x", tunnelHost, bearer(l.token(t, "home"))),
		"token-free":                 call("/s/open/x", tunnelHost),
		"a good token by wrong host": call("/s/pub/x", "127.0.0.1", good),
		"by our other address":       call("/s/pub/x", "localhost:8000", good),
		"by a longer host":           call("/s/pub/x", tunnelHost+".evil.example", good),
		"by no host":                 call("/s/pub/x", "", good),
		"by another port":            call("/s/pub/x", tunnelHost+":80", good),
		"from elsewhere":             call("/s/near/x", tunnelHost, bearer(l.token(t, "near"))),
		"from nowhere":               call("/s/nobody/x", tunnelHost, bearer(l.token(t, "nobody"))),
	} {
		if got != service {
			t.Errorf("%s:\n%s\nunlike\n%s", name, got, service)
		}
	}
	for name, got := range map[string]string{
		"admin": call("/admin/reload", tunnelHost), "admin by wrong host": call("/admin/reload", "127.0.0.1"),
		"root": call("/", tunnelHost), "health by wrong host": call("/healthz", "127.0.0.1"),
	} {
		if got != other {
			t.Errorf("%s:\n%s\nunlike\n%s", name, got, other)
		}
	}
	for _, tt := range []struct{ from, path, host, token string }{
		{"198.51.100.1:1", "/healthz", tunnelHost, ""},
		{"198.51.100.1:1", "/s/pub/x", "Mine.ngrok.test:443", l.token(t, "pub")},
		{"203.0.113.9:1", "/s/near/x", tunnelHost, l.token(t, "near")},
		{"[2001:db8::1]:1", "/s/near/x", tunnelHost, l.token(t, "near")},
	} {
		if status, all := e.caller(t, tt.from).call(t, "GET", tt.path, tt.host, bearer(tt.token), "X-Forwarded-For: 6.6.6.6\r\n"); status != 200 {
			t.Errorf("%+v: %s", tt, all)
		}
		if x := l.exchanges(t)[0]; tt.token != "" && (x.Listener != "tunnel" || x.Remote != tt.from) {
			t.Errorf("%+v: record %+v", tt, x)
		}
	}
	reasons := map[string]bool{}
	for _, x := range l.exchanges(t) {
		code, _, _ := strings.Cut(x.Reason, ":")
		reasons[code] = true
	}
	for _, code := range []string{"not_ours", "not_allowed_from", "not_public", "unknown_service", "token_malformed"} {
		if !reasons[code] {
			t.Errorf("no record of %s", code)
		}
	}
}

func TestLockout(t *testing.T) {
	up := echo(t)
	var told atomic.Int32
	l := newLab(t, strings.Replace(services("pub", shut(up.URL, public)), "{", `{"brake": {"failures": 4, "lockout": "1h"}, `, 1), func(l *lab) {
		l.opts.OnLockout = func(o Lockout) {
			if o.Address == "203.0.113.9" {
				told.Add(1)
			}
		}
	})
	e := tunnelled(t, l)
	good := bearer(l.token(t, "pub"))
	bad := e.caller(t, "203.0.113.9:1")
	for i := range 5 {
		if status, _ := bad.call(t, "GET", "/s/pub/x", tunnelHost, bearer("x")); status != 401 {
			t.Errorf("wrong call %d: %d", i, status)
		}
	}
	if x := l.exchanges(t)[0]; !strings.Contains(x.Reason, "203.0.113.9 is locked out for 1h0m0s") {
		t.Errorf("record %q", x.Reason)
	}
	first := ""
	for name, headers := range map[string]string{"wrong": bearer("x"), "good": good, "none": ""} {
		for _, path := range []string{"/s/pub/x", "/s/nosuch/x"} {
			status, all := e.caller(t, "203.0.113.9:2").call(t, "GET", path, tunnelHost, headers)
			if first == "" {
				first = all
			}
			if status != 429 || all != first && !strings.Contains(all, "Retry-After") {
				t.Errorf("%s %s: %s", name, path, all)
			}
		}
	}
	if x := l.exchanges(t)[0]; x.Status != 429 || !strings.HasPrefix(x.Reason, "locked_out") || x.Decision != audit.Refused {
		t.Errorf("record %+v", x)
	}
	if status, _ := e.caller(t, "203.0.113.10:1").call(t, "GET", "/s/pub/x", tunnelHost, good); status != 200 {
		t.Errorf("another address: %d", status)
	}
	if all := l.Lockouts(); len(all) != 1 || all[0].Address != "203.0.113.9" || told.Load() != 1 {
		t.Errorf("lockouts %v, told %d times", all, told.Load())
	}
}

// Of the refusals to callers none takes so much longer than another that it could
// be told by its time.
func TestTunnelRefusalsTakeAlike(t *testing.T) {
	up := echo(t)
	l := newLab(t, strings.Replace(services("pub", shut(up.URL, public), "home", shut(up.URL)), "{", `{"brake": null, `, 1))
	e := tunnelled(t, l)
	c := e.caller(t, "203.0.113.9:1")
	guess := bearer(l.token(t, "other"))
	took := map[string][]time.Duration{}
	for range 600 {
		for name, kind := range map[string][3]string{ // in any order
			"unknown": {"/s/nosuch/x", tunnelHost, guess}, "unmarked": {"/s/home/x", tunnelHost, guess},
			"wrong token": {"/s/pub/x", tunnelHost, guess}, "wrong host": {"/s/pub/x", "127.0.0.1", guess},
			"unknown, no token": {"/s/nosuch/x", tunnelHost, ""}, "unmarked, no token": {"/s/home/x", tunnelHost, ""}, "no token": {"/s/pub/x", tunnelHost, ""},
		} {
			began := time.Now()
			c.call(t, "GET", kind[0], kind[1], kind[2])
			took[name] = append(took[name], time.Since(began))
		}
	}
	compare(t, took)
}

// compare wants distributions that are much the same.
func compare(t *testing.T, took map[string][]time.Duration) {
	t.Helper()
	lowest, highest := time.Hour, time.Duration(0)
	for name, all := range took {
		slices.Sort(all)
		median := all[len(all)/2]
		lowest, highest = min(lowest, median), max(highest, median)
		t.Logf("%-18s %v, half of them between %v and %v", name, median, all[len(all)/4], all[3*len(all)/4])
	}
	for name, all := range took {
		// The medians lie in the middle half of each distribution, or a tenth beside it.
		if q1, q3 := all[len(all)/4], all[3*len(all)/4]; lowest < q1-q1/10 || highest > q3+q3/10 {
			t.Errorf("%s: half take %v to %v, and the medians go from %v to %v", name, q1, q3, lowest, highest)
		}
	}
}

// A caller who is slow to take a refusal can go on with the same connection.
func TestSlowRefusal(t *testing.T) {
	up := echo(t)
	l := newLab(t, services("pub", shut(up.URL, public)))
	c := tunnelled(t, l).caller(t, "203.0.113.9:1")
	for _, path := range []string{"/s/nosuch/x", "/healthz", "/nosuch"} {
		// A pipe holds nothing: the answer stays with the server until it is read.
		if _, err := fmt.Fprintf(c.conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, tunnelHost); err != nil {
			t.Fatal(err)
		}
		time.Sleep(4 * patience)
		res, err := http.ReadResponse(c.in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if status, all := c.call(t, "GET", "/s/pub/x", tunnelHost, bearer(l.token(t, "pub"))); status != 200 {
			t.Errorf("after %s: %s", path, all)
		}
	}
}

// Guesses from one address, ten thousand of them, do not disturb a good caller from
// another. With the race detector a tenth has to do.
func TestGuessesDoNotDisturb(t *testing.T) {
	if withoutLane {
		return // the public side has none either way, and it takes a minute
	}
	const most = 10_000 / slowed
	up := echo(t)
	l := newLab(t, services("pub", shut(up.URL, public)))
	e := tunnelled(t, l)
	good := e.caller(t, "203.0.113.10:1")
	header := bearer(l.token(t, "pub"))
	p99 := func(n int, until func() bool) time.Duration {
		var took []time.Duration
		for len(took) < n || until != nil && !until() {
			began := time.Now()
			if status, all := good.call(t, "GET", "/s/pub/x", tunnelHost, header); status != 200 {
				t.Fatalf("a good call: %s", all)
			}
			took = append(took, time.Since(began))
			time.Sleep(time.Millisecond)
		}
		slices.SortFunc(took, cmp.Compare)
		return took[len(took)*99/100]
	}
	p99(200, nil)
	before := p99(2000/slowed, nil)
	var wg sync.WaitGroup
	var guesses, refused atomic.Int64
	began := time.Now()
	for range 50 {
		c := e.caller(t, "203.0.113.9:1")
		wg.Go(func() {
			for guesses.Add(1) <= most {
				if status, _ := c.call(t, "GET", "/s/pub/x", tunnelHost, bearer("eyJhbGciOiJIUzI1NiJ9.x.y")); status == 429 {
					refused.Add(1)
				}
			}
		})
	}
	during := p99(2000/slowed, func() bool { return guesses.Load() > most })
	wg.Wait()
	took := time.Since(began)
	t.Logf("p99 of good calls %v, and %v during %d guesses in %v, %d of them answered 429", before, during, most, took, refused.Load())
	if refused.Load() < most*9/10 {
		t.Errorf("only %d guesses met the brake", refused.Load())
	}
	if least := time.Duration(refused.Load()-1) * turn; took < least {
		t.Errorf("%d refusals took %v, want %v at least", refused.Load(), took, least)
	}
	if limit := max(2*before, before+5*time.Millisecond) * slowed * slowed; during > limit { // with the race detector the machine is full already
		t.Errorf("p99 of good calls: %v, and %v during the guesses", before, during)
	}
}

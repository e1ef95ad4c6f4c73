package tunnel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lockbox/proxy/secret"
	"lockbox/tunnel/ngroktest"
)

const goodToken = "2abcDEFghiJKLmnoPQRstuVWXyz_0123456789abcdefghijk"

// lab is a tunnel to a loopback edge, and what it said.
type lab struct {
	*Tunnel
	edge *ngroktest.Edge

	mu     sync.Mutex
	said   strings.Builder
	states []State
}

// newLab has the handler answer what comes in. At the end nothing may be left.
func newLab(t *testing.T, rules ngroktest.Rules, handler http.HandlerFunc, change ...func(*Options)) *lab {
	t.Helper()
	before := goleak.IgnoreCurrent()
	if rules.Authtoken == "" {
		rules.Authtoken = goodToken
	}
	edge, err := ngroktest.New(rules)
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{edge: edge}
	if handler == nil {
		handler = func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, r.RemoteAddr) }
	}
	o := Options{
		Edge: edge.Addr(), EdgeCAs: edge.CAs(), Version: "test",
		Logger: slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Serve:  serveWith(handler),
	}
	o.OnChange = func(_, s State) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.states = append(l.states, s)
	}
	for _, c := range change {
		c(&o)
	}
	l.Tunnel = New(o)
	l.beat = time.Second // what it leaves behind is gone after one
	t.Cleanup(func() {
		l.Close("the test")
		if err := edge.Close(); err != nil {
			t.Errorf("closing the edge: %v", err)
		}
		// The SDK's heartbeats notice that their session is over at the next beat.
		var left error
		for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
			if left = goleak.Find(before); left == nil || time.Now().After(end) {
				break
			}
		}
		if left != nil {
			t.Errorf("left behind: %v", left)
		}
		if said := l.String(); strings.Contains(said, goodToken) || strings.Contains(said, "a-wrong-token") {
			t.Errorf("the log holds an authtoken:\n%s", said)
		} else if t.Failed() {
			t.Logf("the tunnel said:\n%s\nand was %+v", said, l.State())
		}
	})
	return l
}

func serveWith(handler http.Handler) func(context.Context, net.Listener) error {
	return func(ctx context.Context, ln net.Listener) error {
		srv := &http.Server{Handler: handler}
		ended := make(chan error, 1)
		go func() { ended <- srv.Serve(ln) }()
		<-ctx.Done()
		limit, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err := srv.Shutdown(limit)
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) && !errors.Is(served, net.ErrClosed) {
			return served
		}
		return errors.Join(err, srv.Close())
	}
}

// Write implements io.Writer, for the log.
func (l *lab) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said.Write(p)
}

func (l *lab) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said.String()
}

func (l *lab) open(t *testing.T, r Request) {
	t.Helper()
	if r.Authtoken.IsZero() {
		r.Authtoken = secret.New(goodToken)
	}
	if err := l.Open(r); err != nil {
		t.Fatal(err)
	}
}

// await waits for a state, and says how long it took.
func (l *lab) await(t *testing.T, what string, good func(State) bool) (State, time.Duration) {
	t.Helper()
	began := time.Now()
	for end := began.Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		s := l.State()
		if good(s) {
			return s, time.Since(began)
		}
		if time.Now().After(end) {
			t.Fatalf("%s: it is %+v", what, s)
		}
	}
}

func isOpen(s State) bool { return s.Phase == Open }

// get calls the tunnel's public address.
func (l *lab) get(t *testing.T, from, path string) (int, string) {
	t.Helper()
	c := l.edge.Client(from)
	defer c.CloseIdleConnections()
	res, err := c.Get(l.State().URL + path)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, read(t, res)
}

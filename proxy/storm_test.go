package proxy

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lockbox/proxy/secret"
)

// 1,000 reloads under 64 busy connections, of which half are on the public side,
// lose no call and no connection, and each call sees one config throughout.
func TestReloadStorm(t *testing.T) {
	const reloads, callers = 1000, 64
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		// The credential and the path both name the generation.
		printf(w, "%s %s", r.Header.Get("X-Key"), r.URL.Path)
	})
	generation := func(i int) string {
		svc := fmt.Sprintf(`"base_url": "%s/gen%d", "tunnel": true, "credential": {"headers": {"X-Key": "keychain://e/gen%d"}}`, up.URL, i, i)
		if i%2 == 1 { // services come and go, too, and so do transports
			return services("e", svc, "other", open(up.URL, `"read_timeout": 7`))
		}
		return services("e", svc)
	}
	l := newLab(t, generation(0), func(l *lab) {
		for i := range reloads {
			l.secrets[fmt.Sprintf("keychain://e/gen%d", i)] = secret.New(fmt.Sprintf("gen%d", i))
		}
	})
	addrs := []string{l.addr, opened(t, l)}
	auth := "Bearer " + l.token(t, "e")

	var dialled, served, lost atomic.Int64
	var calls, last [callers]atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			keep := &http.Transport{MaxConnsPerHost: 1, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				dialled.Add(1)
				return (&net.Dialer{}).DialContext(ctx, network, addr)
			}}
			defer keep.CloseIdleConnections()
			for n := 0; ctx.Err() == nil; n++ {
				// A few bodies and methods; POST is what a client does not send again.
				method, body := http.MethodGet, io.Reader(nil)
				if n%2 == 1 {
					method, body = http.MethodPost, strings.NewReader("body")
				}
				r := request(t, method, "http://"+addrs[i%2]+"/s/e/x", body, "Authorization", auth)
				if method == http.MethodPost {
					r.GetBody = nil
				}
				res, err := keep.RoundTrip(r)
				if err != nil {
					lost.Add(1)
					t.Errorf("call %d of caller %d: %v", n, i, err)
					return
				}
				got := finish(res)
				var key, path int
				if _, err := fmt.Sscanf(got.body, "gen%d /gen%d/x", &key, &path); err != nil || key != path || got.status != 200 || got.err != nil {
					lost.Add(1)
					t.Errorf("call %d of caller %d: %d %q %v", n, i, got.status, got.body, got.err)
					return
				}
				last[i].Store(int64(key))
				calls[i].Add(1)
				served.Add(1)
			}
		})
	}
	began := time.Now()
	for i := range reloads {
		l.reloaded(t, func() { l.text = generation(i) })
		if i%10 == 0 {
			time.Sleep(time.Millisecond) // or the calls would have no processor
		}
	}
	took := time.Since(began)
	for i := range calls { // the call under way, and one more
		for n := calls[i].Load() + 2; calls[i].Load() < n && lost.Load() == 0; {
			time.Sleep(time.Millisecond)
		}
	}
	cancel()
	wg.Wait()
	t.Logf("%d reloads in %v, %d calls served", reloads, took, served.Load())
	// A connection may end with an answer that says so, where a body is late.
	if lost.Load() != 0 || served.Load() < callers || dialled.Load() > callers+callers/8 {
		t.Errorf("%d calls lost of %d; %d connections, want hardly more than %d", lost.Load(), served.Load(), dialled.Load(), callers)
	}
	for i := range last {
		if n := last[i].Load(); n != reloads-1 {
			t.Errorf("the last answer to caller %d was generation %d's, want %d's", i, n, reloads-1)
		}
	}
	if n := l.log.Count(); n != int(served.Load()) {
		t.Errorf("%d records of %d calls", n, served.Load())
	}
	st := l.state.Load()
	for end := time.Now().Add(5 * time.Second); st.users.Load() != 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond) // a handler returns after its caller has the answer
	}
	if st.users.Load() != 0 || len(l.outward.byTimeouts) != 2 {
		t.Errorf("%d calls hold the last config, %d transports are kept", st.users.Load(), len(l.outward.byTimeouts))
	}
}

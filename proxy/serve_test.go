package proxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"lockbox/proxy/audit"
)

func TestPaused(t *testing.T) {
	arrived, goOn := make(chan bool), make(chan bool)
	up := upstreamOf(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			arrived <- true
			<-goOn
		}
	})
	l := newLab(t, services("e", open(up.URL)))
	under := make(chan int)
	go func() { under <- get(t, l.url+"/s/e/wait").status }()
	<-arrived
	l.SetPaused(true)
	for _, path := range []string{"/s/e/x", "/s/nosuch/x"} {
		if r := get(t, l.url+path); r.status != 503 || r.code(t) != "paused" || !l.Paused() {
			t.Errorf("%s while paused: %d %s", path, r.status, r.body)
		}
	}
	if r := get(t, l.url+"/healthz"); r.status != 200 {
		t.Errorf("health while paused: %d", r.status)
	}
	close(goOn)
	if got := <-under; got != 200 {
		t.Errorf("the call under way got %d", got)
	}
	l.SetPaused(false)
	if r := get(t, l.url+"/s/e/x"); r.status != 200 || l.Paused() {
		t.Errorf("after the pause: %d", r.status)
	}
	paused := 0
	for _, x := range l.exchanges(t) {
		if strings.HasPrefix(x.Reason, "paused") && x.Decision == audit.Refused && x.Status == 503 {
			paused++
		}
	}
	if paused != 2 {
		t.Errorf("%d records of the pause, want 2", paused)
	}
}

// A server that stops takes no new calls, lets those under way finish, and cuts
// off those that do not.
func TestDrain(t *testing.T) {
	arrived := make(chan bool, 2)
	finishes, hangs := make(chan bool), make(chan bool)
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "begun ")
		w.(http.Flusher).Flush()
		arrived <- true
		if r.URL.Path == "/hangs" {
			select {
			case <-hangs:
			case <-r.Context().Done():
			}
			return
		}
		<-finishes
		_, _ = io.WriteString(w, "and done")
	})
	defer close(hangs)
	l := newLab(t, services("e", open(up.URL)), func(l *lab) { l.drain = 700 * time.Millisecond })
	answers := make(map[string]reply)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, path := range []string{"/finishes", "/hangs"} {
		wg.Go(func() {
			r := get(t, l.url+"/s/e"+path)
			mu.Lock()
			defer mu.Unlock()
			answers[path] = r
		})
		<-arrived
	}
	if n := l.InFlight(); n != 2 {
		t.Errorf("%d calls in flight, want 2", n)
	}
	began := time.Now()
	l.stop()
	time.Sleep(100 * time.Millisecond)
	if conn, err := net.Dial("tcp", l.addr); err == nil {
		_ = conn.Close()
		t.Error("still listening")
	}
	close(finishes)
	err := <-l.ended
	took := time.Since(began)
	l.ended <- err // for the cleanup
	wg.Wait()
	if err != nil || took < l.drain || took > l.drain+windUp+time.Second {
		t.Errorf("Serve returned %v after %v, want nil after %v", err, took, l.drain)
	}
	if r := answers["/finishes"]; r.status != 200 || r.body != "begun and done" || r.err != nil {
		t.Errorf("the call that finishes: %+v", r)
	}
	if r := answers["/hangs"]; r.err == nil {
		t.Errorf("the call that was cut off looks whole: %+v", r)
	}
	got := map[string]audit.Decision{}
	for _, x := range l.exchanges(t) {
		got[x.Path] = x.Decision
	}
	if got["/s/e/finishes"] != audit.Allowed || got["/s/e/hangs"] != audit.Failed || l.InFlight() != 0 {
		t.Errorf("records %v, %d in flight", got, l.InFlight())
	}
	if DrainTimeout+windUp >= 10*time.Second {
		t.Error("the drain takes more than 10 seconds")
	}
}

// The audit files are whole when Serve returns, and go on when it is called
// again, for another address for instance.
func TestServeTwice(t *testing.T) {
	dir := t.TempDir()
	l := newLab(t, fmt.Sprintf(`{"services": {"e": {%s}}, "audit_log": {"root_dir": %q}}`, open(echo(t).URL), dir))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- l.Serve(t.Context(), ln) }()
	if r := get(t, "http://"+ln.Addr().String()+"/s/e/x"); r.status != 200 {
		t.Errorf("the second listener answered %d", r.status)
	}
	_ = ln.Close()
	if err := <-ended; err == nil {
		t.Error("Serve returned nil when its listener failed")
	}
	if n := len(eventFiles(t, dir)); n != 2 {
		t.Errorf("%d audit files when Serve returned, want 2", n)
	}
	if r := get(t, l.url+"/s/e/x"); r.status != 200 {
		t.Errorf("the first listener answered %d", r.status)
	}
	l.stop()
	err = <-l.ended
	l.ended <- err // for the cleanup
	if n := len(eventFiles(t, dir)); n != 4 || err != nil {
		t.Errorf("%d audit files after both, %v; want 4", n, err)
	}
}

// One connection that sends its header byte by byte delays nobody.
func TestSlowHeader(t *testing.T) {
	l := newLab(t, services("e", open(echo(t).URL)))
	var slow []net.Conn
	for range 50 {
		c, err := net.Dial("tcp", l.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		printf(c, "GET /s/e/x HT")
		slow = append(slow, c)
	}
	began := time.Now()
	if r := get(t, l.url+"/s/e/x"); r.status != 200 || time.Since(began) > 2*time.Second {
		t.Errorf("%d after %v, beside %d slow callers", r.status, time.Since(began), len(slow))
	}
}

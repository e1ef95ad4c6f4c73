//go:build unix

package cli

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// slow is an upstream that begins its answer and ends it when release is closed.
func slow(t *testing.T) (url string, begun, release chan struct{}) {
	t.Helper()
	begun, release = make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "begin ")
		w.(http.Flusher).Flush()
		close(begun)
		select {
		case <-release:
			_, _ = io.WriteString(w, "end")
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL, begun, release
}

func TestStop(t *testing.T) {
	t.Parallel()
	type answer struct {
		body string
		err  error
	}
	// start brings a server up with one call under way.
	start := func(t *testing.T) (s *server, release chan struct{}, answered chan answer) {
		t.Helper()
		upstream, begun, release := slow(t)
		h := newHome(t)
		s = h.serve(t, "--config", h.write(t, "c.json", originalConfig{Services: map[string]originalService{"slow": {BaseURL: upstream}}}.String()))
		answered = make(chan answer, 1)
		go func() {
			resp, err := http.Get(s.url + "/s/slow/")
			if err != nil {
				answered <- answer{"", err}
				return
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			answered <- answer{string(body), err}
		}()
		<-begun
		return s, release, answered
	}

	t.Run("lets a call finish", func(t *testing.T) {
		t.Parallel()
		s, release, answered := start(t)
		s.signal(t, sigterm)
		s.await(t, `Stopping`)
		refused(t, s)
		close(release)
		if a := <-answered; a.err != nil || a.body != "begin end" {
			t.Errorf("the call under way got %q, %v; want all of it", a.body, a.err)
		}
		if code := s.wait(t, 5*time.Second); code != exitDone {
			t.Errorf("exit code %d, want 0", code)
		}
	})
	t.Run("but not for ever", func(t *testing.T) {
		t.Parallel()
		s, release, answered := start(t)
		begin := time.Now()
		s.signal(t, sigterm)
		s.wait(t, endTime+time.Second)
		if took := time.Since(begin); took > endTime+500*time.Millisecond {
			t.Errorf("it took %v to end, want at most %v", took, endTime)
		}
		if a := <-answered; a.err == nil {
			t.Errorf("the call that was cut off got %q as if it were all", a.body)
		}
		close(release)
	})
	t.Run("and at once when asked twice", func(t *testing.T) {
		t.Parallel()
		s, release, answered := start(t)
		s.signal(t, sigterm)
		s.await(t, `Stopping`)
		s.signal(t, sigterm) // an echo of the first
		time.Sleep(2 * echoTime)
		select {
		case <-s.end:
			t.Fatal("it ended at the first signal's echo")
		default:
		}
		s.signal(t, sigterm)
		if code := s.wait(t, 2*time.Second); code != exitFailed {
			t.Errorf("exit code %d, want 1", code)
		}
		<-answered
		close(release)
	})
}

// refused waits until the server takes no more connections.
func refused(t *testing.T, s *server) {
	t.Helper()
	addr := strings.TrimPrefix(s.url, "http://")
	for deadline := time.Now().Add(3 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		_ = conn.Close()
	}
	t.Errorf("%s still takes connections", addr)
}

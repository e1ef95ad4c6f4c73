//go:build bench

package bench

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

var volume = flag.Int64("volume", 10<<30, "bytes that are sent through Lockbox each way")

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// now is the memory that a process has now, in bytes.
func now(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kb << 10
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

// TestMemory: bodies of any size go through in little memory, and callers who
// keep their connection cost little.
func TestMemory(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/down":
			w.Header().Set("Content-Length", strconv.FormatInt(*volume, 10))
			_, _ = io.CopyN(w, endless{}, *volume)
		case "/up":
			n, _ := io.Copy(io.Discard, r.Body)
			_, _ = fmt.Fprint(w, n)
		}
	}))
	defer up.Close()
	r := &rig{t: t, dir: t.TempDir()}
	lockbox, port := r.build("lockbox", "-tags", "headless"), r.port()
	r.write("config.json", fmt.Sprintf(`{"services": {"e": {"base_url": %q, "requires_service_token": false}}}`, up.URL))
	r.write("key", key)
	cmd := r.start(proxyCore, port, lockbox, "serve", "--listen", "127.0.0.1:"+port)
	pid := cmd.Process.Pid // taskset has become Lockbox
	base := "http://127.0.0.1:" + port + "/s/e"

	pass := func(method, path string, body io.Reader, length int64) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, base+path, body)
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = length
		began := time.Now()
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		n, err := io.Copy(io.Discard, res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d, %d bytes, %v", path, res.StatusCode, n, err)
		}
		fmt.Printf("%s: %.0f MB/s\n", path, float64(max(length, n))/1e6/time.Since(began).Seconds())
	}
	pass(http.MethodGet, "/x", nil, 0)
	idle := now(t, pid)
	fmt.Printf("idle: %.1f MB\n", float64(idle)/1e6)
	pass(http.MethodGet, "/down", nil, 0)
	pass(http.MethodPost, "/up", io.LimitReader(endless{}, *volume), *volume)
	if grown := now(t, pid) - idle; grown > 20e6 {
		t.Errorf("%.1f MB more than idle, want at most 20", float64(grown)/1e6)
	} else {
		fmt.Printf("after %d GB each way: %+.1f MB\n", *volume>>30, float64(grown)/1e6)
	}

	const callers = 5000
	before := now(t, pid)
	for range callers {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := fmt.Fprintf(c, "GET /s/e/x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%v, %v", res, err)
		}
		_ = res.Body.Close()
	}
	grown := now(t, pid) - before
	fmt.Printf("%d idle connections: %+.1f MB, %.1f KB each\n", callers, float64(grown)/1e6, float64(grown)/1e3/callers)
	if grown > 100e6 {
		t.Errorf("%d idle connections cost %.1f MB, want at most 100", callers, float64(grown)/1e6)
	}
}

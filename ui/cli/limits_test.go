//go:build unix

package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Kills at any moment, under 64 callers, let no call through that is over the quota,
// and lose none that was counted: at most those that were about to be made are
// counted in vain.
func TestQuotaKilled(t *testing.T) {
	const quota, callers, kills = 600, 64, 4
	var made atomic.Int64
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		made.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "ok")
	}))
	defer up.Close()
	h := newHome(t)
	file := h.write(t, "config.json", fmt.Sprintf(`{"services": {
		"a": {"base_url": %q, "requires_service_token": false, "quota": {"calls_per_month": %d}, "rate_limit": {"requests": 100000, "per": "1s"}},
		"b": {"base_url": %q, "requires_service_token": false, "quota": {"writes_per_day": 2}}}}`, up.URL, quota, up.URL))
	h = h.with("LOCKBOX_CONFIG_PATH=" + file)
	var answered, spent atomic.Int64
	rounds := 0
	for ; spent.Load() == 0 && rounds < 50; rounds++ {
		s := h.serve(t)
		var wg sync.WaitGroup
		stop := make(chan struct{})
		before := answered.Load()
		for i := range callers {
			wg.Go(func() {
				client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxConnsPerHost: 1}}
				defer client.CloseIdleConnections()
				for {
					select {
					case <-stop:
						return
					default:
					}
					var res *http.Response
					var err error
					if i%2 == 0 {
						res, err = client.Get(s.url + "/s/a/x")
					} else {
						res, err = client.Post(s.url+"/s/a/x", "text/plain", strings.NewReader("x"))
					}
					if err != nil {
						return // killed
					}
					_, err = io.Copy(io.Discard, res.Body)
					_ = res.Body.Close()
					switch {
					case res.StatusCode == 200 && err == nil:
						answered.Add(1)
					case res.StatusCode == 429:
						spent.Add(1)
						return
					}
				}
			})
		}
		if rounds < kills {
			for end := time.Now().Add(time.Minute); answered.Load() < before+quota/10 && time.Now().Before(end); {
				time.Sleep(time.Millisecond)
			}
			s.signal(t, syscall.SIGKILL)
			s.wait(t, time.Minute)
		} else {
			wg.Wait()
			if got := get(t, s.url+"/s/a/x", ""); got.status != 429 || got.header.Get("Retry-After") == "" {
				t.Errorf("over the quota: %d %s", got.status, got.body)
			}
			s.signal(t, syscall.SIGKILL)
			s.wait(t, time.Minute)
		}
		close(stop)
		wg.Wait()
	}
	t.Logf("%d rounds: %d calls made, %d answered", rounds, made.Load(), answered.Load())
	if n := made.Load(); n > quota || n < quota-kills*callers || answered.Load() > n || rounds < kills {
		t.Errorf("%d calls were made and %d answered in %d rounds, of a quota of %d", n, answered.Load(), rounds, quota)
	}

	r := h.run(t, "limits", "--json")
	var lines []limitLine
	if err := json.Unmarshal([]byte(r.out), &lines); err != nil || r.code != 0 || len(lines) != 3 {
		t.Fatalf("%d %s %s: %v", r.code, r.out, r.errOut, err)
	}
	if l := lines[0]; l.Limit != "rate_limit" || l.Most != 100000 || l.Used != nil {
		t.Errorf("the rate: %+v", l)
	}
	if l := lines[1]; l.Limit != "calls_per_month" || l.Used == nil || *l.Used != quota || *l.Left != 0 || l.Resets.Before(time.Now()) {
		t.Errorf("the quota that is used up: %+v", l)
	}
	if l := lines[2]; l.Service != "b" || l.Used == nil || *l.Used != 0 {
		t.Errorf("the quota that is not: %+v", l)
	}
	r = h.run(t, "limits", "a")
	if !strings.Contains(r.out, "calls_per_month  600     600   0") || strings.Contains(r.out, "b ") || !strings.Contains(r.errOut, "?: a Lockbox that runs") {
		t.Errorf("the table: %s %s", r.out, r.errOut)
	}
	if r := h.run(t, "limits", "none"); r.code != 1 || !strings.Contains(r.errOut, `there is no service "none"`) {
		t.Errorf("%d %s", r.code, r.errOut)
	}
}

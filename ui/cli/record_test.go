//go:build unix

package cli

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"lockbox/proxy/audit"
)

var kills = flag.Int("kills", 10, "how often TestKilledWhileCalled kills Lockbox")

// TestKilledWhileCalled: of what was answered before a kill -9, nothing is missing
// on record, and its chain holds.
func TestKilledWhileCalled(t *testing.T) {
	h := newHome(t)
	var mu sync.Mutex
	answered := map[string]bool{} // and not yet seen on record
	total := 0
	for round := range *kills {
		s := h.serve(t)
		var wg sync.WaitGroup
		for caller := range 8 {
			wg.Go(func() {
				client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{}}
				defer client.CloseIdleConnections()
				for n := 0; ; n++ {
					name := fmt.Sprintf("/hello/%d-%d-%d", round, caller, n)
					res, err := client.Get(s.url + "/s/demo" + name)
					if err != nil {
						return
					}
					_, err = io.Copy(io.Discard, res.Body)
					_ = res.Body.Close()
					if err != nil || res.StatusCode != http.StatusOK {
						return
					}
					mu.Lock()
					answered["/s/demo"+name] = true
					total++
					mu.Unlock()
				}
			})
		}
		time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
		s.signal(t, syscall.SIGKILL)
		wg.Wait()
		<-s.end
	}
	l, err := audit.Open(h.path(".local", "state", "lockbox", "audit"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = l.Each(t.Context(), audit.Query{}, func(x *audit.Exchange) error {
		delete(answered, x.Path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(answered) > 0 || total < *kills {
		t.Errorf("of %d answered calls, %d are not on record", total, len(answered))
	}
	v, err := l.Verify(t.Context(), func(_, _ int64) {})
	if err != nil || !v.OK() || v.Records < int64(total) {
		t.Errorf("%+v, %v", v, err)
	}
	if aside, _ := filepath.Glob(h.path(".local", "state", "lockbox", "audit", "*.damaged")); len(aside) > 0 {
		t.Errorf("set aside: %v", aside)
	}
	t.Logf("%d kills, %d answered calls, all on record", *kills, total)
}

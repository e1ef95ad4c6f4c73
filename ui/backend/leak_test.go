package backend

import (
	"testing"
	"testing/synctest"
	"time"

	"lockbox/proxy"
)

// TestLeaks: a service is told of once in ten minutes.
func TestLeaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Backend{}
		last := func() (all []Leak) { b.mu.Lock(); defer b.mu.Unlock(); return b.lastLeaks() }
		note := func(service, where string) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.noteLeak(proxy.Leak{Service: service, Where: where}, time.Now())
		}
		note("crm", "body")
		first := time.Now()
		time.Sleep(leakEvery - time.Second)
		note("crm", "header")
		note("a", "header")
		if all := last(); len(all) != 2 || all[0].Service != "a" || all[1] != (Leak{"crm", "body", first}) {
			t.Errorf("%+v", all)
		}
		time.Sleep(time.Second)
		note("crm", "header")
		if all := last(); len(all) != 2 || all[1] != (Leak{"crm", "header", first.Add(leakEvery)}) {
			t.Errorf("after a while: %+v", all)
		}
	})
}

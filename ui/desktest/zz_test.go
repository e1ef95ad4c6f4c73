//go:build desktop

package desktest_test

import (
	"fmt"
	"os"
	"strings"
	"strconv"
	"testing"
	"time"

	"lockbox/ui/desktest"
)

func ticks(pid int) int {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')'):]))
	u, _ := strconv.Atoi(f[12-0-1])
	s, _ := strconv.Atoi(f[13-0-1])
	return u + s
}

func TestZZ(t *testing.T) {
	desk := desktest.Start(t, desktest.Options{})
	up := newRecorder(t, "one")
	addr := freeAddr(t)
	writeConfig(t, desk, `{"services": {"shop": {"base_url": "`+up.URL+`", "requires_service_token": false}}, "listen": "`+addr+`"}`)
	a := launch(t, desk)
	a.addr = addr
	a.open()
	a.curl("/s/shop/orders", "")
	a.reads("x", "Calls per minute")
	time.Sleep(8 * time.Second)
	over := func(what string, d time.Duration) {
		b := ticks(a.cmd.Process.Pid)
		time.Sleep(d)
		t.Logf("%s: %.2f%% CPU", what, float64(ticks(a.cmd.Process.Pid)-b)/d.Seconds())
	}
	over("idle, overview", 60*time.Second)
	a.key("ctrl+7")
	time.Sleep(2 * time.Second)
	over("idle, settings", 20*time.Second)
	a.key("ctrl+1")
	done := make(chan bool)
	go func() {
		for range 200 {
			a.curl("/s/shop/orders", "")
			time.Sleep(80 * time.Millisecond)
		}
		close(done)
	}()
	over("10 calls a second, overview", 15*time.Second)
	<-done
	a.key("ctrl+7")
	go func() {
		for range 200 {
			a.curl("/s/shop/orders", "")
			time.Sleep(80 * time.Millisecond)
		}
	}()
	over("10 calls a second, settings", 15*time.Second)
	a.end()
}

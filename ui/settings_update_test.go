package ui

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"

	"lockbox/ui/backend"
	"lockbox/ui/update"
)

// releases has new versions looked for on this computer.
func releases(t *testing.T, answer func() (status int, version string)) (asked *atomic.Int32) {
	t.Helper()
	asked = new(atomic.Int32)
	var host string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		status, version := answer()
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `[{"tag_name": %q, "html_url": "https://%s/new"}]`, version, host)
	}))
	host = strings.TrimPrefix(server.URL, "http://")
	before := update.Feed
	update.Feed = server.URL
	t.Cleanup(func() { server.Close(); update.Feed = before })
	return asked
}

// TestUpdates: nothing is asked unasked, then once a day, over restarts too, and a
// version that was skipped is not spoken of again.
func TestUpdates(t *testing.T) {
	version := "v1.1.0"
	asked := releases(t, func() (int, string) { return 200, version })
	state := t.TempDir()
	start := func() (*screen, *updatePart) {
		s := openBackend(t, testConfig, func(o *backend.Options) { o.Version, o.StateDir = "v1.0.0", state })
		s.window.settings.update.tick()
		return s, s.window.settings.update
	}
	s, p := start()
	if asked.Load() != 0 || p.want.Checked {
		t.Fatal("asked, though nobody wants it")
	}
	test.Tap(p.want)
	s.until("it is offered", p.bar.Visible)
	if p.found.Page != "https"+strings.TrimPrefix(update.Feed, "http")+"/new" {
		t.Errorf("found %+v", p.found)
	}
	p.tick()
	test.Tap(p.want)
	if p.bar.Visible() {
		t.Error("it is offered to who does not want it")
	}
	test.Tap(p.want) // not twice a day by that either
	next := p.manners.now.Next
	if wait := time.Until(next); wait < updateEvery-time.Hour || wait > updateEvery+updateLate {
		t.Errorf("the next time is in %v", wait)
	}
	s.until("it is kept", func() bool { return keptUpdates(s) })
	s, p = start()
	if n := asked.Load(); n != 1 || !p.want.Checked || !p.manners.now.Next.Equal(next) {
		t.Errorf("after a restart: asked %d times, on %v", n, p.want.Checked)
	}
	again := func(n int32) {
		t.Helper()
		p.manners.now.Next = time.Now().Add(-time.Second)
		p.tick()
		s.until("it asked", func() bool { return asked.Load() == n && !p.asking })
	}
	again(2)
	test.Tap(&p.strip.buttons.Objects[1].(*button).Button)
	if p.bar.Visible() || p.manners.now.Skipped != "v1.1.0" {
		t.Error("it cannot be skipped")
	}
	again(3)
	if p.bar.Visible() {
		t.Error("one that was skipped is offered")
	}
	version = "v1.2.0"
	again(4)
	if !p.bar.Visible() {
		t.Error("the one after is not offered")
	}
	p.manners.now.Next = time.Now().Add(99 * updateEvery) // of a clock that was wrong
	p.tick()
	s.until("it asked", func() bool { return asked.Load() == 5 && !p.asking })
}

func keptUpdates(s *screen) bool {
	text, err := os.ReadFile(filepath.Join(s.b.View().StateDir, "manners.json"))
	want, wrong := json.Marshal(s.window.manners.now)
	return err == nil && wrong == nil && string(text) == string(want)+"\n"
}

// TestUpdateFails: what goes wrong is said on the Settings page alone.
func TestUpdateFails(t *testing.T) {
	asked := releases(t, func() (int, string) { return 500, "v9.9.9" })
	s := openBackend(t, testConfig, func(o *backend.Options) { o.Version = "v1.0.0" })
	p := s.window.settings.update
	test.Tap(p.want)
	s.until("it asked", func() bool { return asked.Load() == 1 && !p.asking })
	if p.bar.Visible() {
		t.Error("the window says it")
	}
	p.tick()
	if asked.Load() != 1 {
		t.Error("it tries again at once")
	}
}

// TestNoUpdates: a build whose maker looks after new versions has no switch, and one
// between two versions asks nobody.
func TestNoUpdates(t *testing.T) {
	asked := releases(t, func() (int, string) { return 200, "v9.9.9" })
	s := openBackend(t, testConfig, func(o *backend.Options) { o.Version = "v1.0.0-3-gabcdef0" })
	test.Tap(s.window.settings.update.want)
	if s.window.settings.update.asking || asked.Load() != 0 {
		t.Error("a build between two versions asks")
	}
	update.Feed = ""
	s = open(t, testConfig)
	if p := s.window.settings; p.update.root != nil || p.notices.kinds[noticeUpdate] != nil {
		t.Error("there is a switch for what is not there")
	}
}

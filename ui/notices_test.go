package ui

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lockbox/ui/backend"
)

// noticeBoard shows notifications to a test, in a bubble's time.
type noticeBoard struct {
	*notices
	shown []told
	muted map[noticeKind]bool
	queue chan func()
}

// onBoard runs f, which has the window's thread, in a bubble.
func onBoard(t *testing.T, f func(*noticeBoard)) {
	synctest.Test(t, func(t *testing.T) {
		b := &noticeBoard{muted: map[noticeKind]bool{}, queue: make(chan func())}
		ctx, cancel := context.WithCancel(t.Context())
		l := newLoop(ctx, func(f func()) {
			select {
			case b.queue <- f:
			case <-ctx.Done():
			}
		})
		b.notices = newNotices(l, func(k noticeKind) bool { return b.muted[k] }, func(title, text string) {
			l.hop(func() { b.shown = append(b.shown, told{title, text}) })
		})
		f(b)
		cancel()
		l.stop()
	})
}

// pass lets time go by.
func (b *noticeBoard) pass(d time.Duration) {
	for end := time.After(d); ; {
		select {
		case f := <-b.queue:
			f()
		case <-end:
			return
		}
	}
}

func (b *noticeBoard) titles() (all []string) {
	for _, n := range b.shown {
		all = append(all, n.title)
	}
	return all
}

func TestNoticesCoalesce(t *testing.T) {
	onBoard(t, func(b *noticeBoard) {
		for _, s := range []string{"crm", "mail", "maps", "pay"} {
			b.post(noticeFailing, s+" fails", "")
		}
		b.post(noticeLeak, "crm sent its key back", "See.")
		b.post(noticeToken, "Token copied", "For crm.")
		b.pass(time.Second)
		if got := b.titles(); !slices.Equal(got, []string{"Token copied"}) {
			t.Errorf("after a second: %q, want the token's alone", got)
		}
		b.pass(time.Minute)
		got := b.titles()
		slices.Sort(got)
		if want := []string{"4 services fail", "Token copied", "crm sent its key back"}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		for _, n := range b.shown {
			if strings.HasPrefix(n.title, "4") && n.text != "crm fails\nmail fails\nmaps fails\nand 1 more" {
				t.Errorf("the text is %q", n.text)
			}
		}
	})
}

func TestNoticesRepeat(t *testing.T) {
	onBoard(t, func(b *noticeBoard) {
		for range 5 {
			b.post(noticeTunnel, "The tunnel is lost", "No network.")
			b.pass(10 * time.Second)
		}
		if len(b.shown) != 1 {
			t.Errorf("within a minute: %q", b.titles())
		}
		b.pass(sameTime)
		b.post(noticeTunnel, "The tunnel is lost", "No network.")
		b.pass(10 * time.Second)
		if len(b.shown) != 2 {
			t.Errorf("later: %q", b.titles())
		}
	})
}

// TestNoticesStorm: 10,000 within a minute are a handful, and little is remembered.
func TestNoticesStorm(t *testing.T) {
	onBoard(t, func(b *noticeBoard) {
		for i := range 10_000 {
			b.post(noticeDrift, fmt.Sprintf("Token %d is used in a new way", i), "")
			b.pass(6 * time.Millisecond)
		}
		b.pass(time.Minute)
		if n := len(b.shown); n < 2 || n > 6 {
			t.Errorf("%d are shown: %q", n, b.titles())
		}
		sum := 0
		for _, title := range b.titles() {
			var n int
			if _, err := fmt.Sscanf(title, "%d tokens", &n); err != nil {
				t.Errorf("%q: %v", title, err)
			}
			sum += n
		}
		if sum != 10_000 || len(b.said) > saidMost {
			t.Errorf("%d are told of, %d remembered", sum, len(b.said))
		}
	})
}

func TestNoticesMuted(t *testing.T) {
	onBoard(t, func(b *noticeBoard) {
		b.muted[noticeUsage] = true
		b.post(noticeUsage, "80% is used", "")
		b.post(noticeLeak, "one", "")
		b.muted[noticeLeak] = true // before it is shown
		b.pass(time.Minute)
		if len(b.shown) != 0 {
			t.Errorf("shown: %q", b.titles())
		}
		b.muted = map[noticeKind]bool{}
		b.post(noticeLeak, "two", "")
		b.pass(time.Minute)
		if got := b.titles(); !slices.Equal(got, []string{"two"}) {
			t.Errorf("%q, want the one since", got)
		}
	})
}

// TestNoticeKinds: each has words of its own, and a switch that lasts.
func TestNoticeKinds(t *testing.T) {
	s := open(t, "")
	labels := map[string]bool{}
	for _, k := range noticeKinds() {
		labels[k.label()] = true
		c := s.window.settings.notices.kinds[k]
		if c == nil || !c.Checked || s.manners.muted(k) || k.several(7) == "" || !strings.Contains(k.several(7), "7") {
			t.Errorf("%s: %+v, %q", k, c, k.several(7))
		}
	}
	if len(labels) != len(noticeKinds()) {
		t.Errorf("%d labels for %d kinds", len(labels), len(noticeKinds()))
	}
	s.window.settings.notices.kinds[noticeToken].SetChecked(false)
	s.window.settings.notices.kinds[noticeUsage].SetChecked(false)
	s.window.settings.notices.kinds[noticeUsage].SetChecked(true)
	if got := s.manners.now.Muted; !slices.Equal(got, []string{"token"}) {
		t.Errorf("muted: %q", got)
	}
	s.until("it is kept", func() bool {
		text, err := os.ReadFile(filepath.Join(s.b.View().StateDir, "manners.json"))
		return err == nil && string(text) == "{\"muted\":[\"token\"]}\n"
	})
}

func TestFailures(t *testing.T) {
	s := open(t, "")
	f, now := s.window.failures, time.Now()
	var told []string
	f.words = func(c backend.Concern) (what, next string) { told = append(told, c.Service); return c.Service, "" }
	look := func(after time.Duration, want string, all ...backend.Concern) {
		t.Helper()
		told = nil
		f.look(all, now.Add(after))
		if got := strings.Join(told, " "); got != want {
			t.Errorf("after %v: %q, want %q", after, got, want)
		}
	}
	crm, mail := backend.Concern{Kind: backend.ConcernKeyRefused, Service: "crm"}, backend.Concern{Kind: backend.ConcernFailing, Service: "mail"}
	look(0, "crm", crm, backend.Concern{Kind: backend.ConcernBroken, Service: "maps"})
	look(time.Minute, "mail", crm, mail)
	look(20*time.Minute, "", crm)
	look(45*time.Minute, "mail", crm, mail)
	look(3*time.Hour, "", backend.Concern{Kind: backend.ConcernLocked})
	look(3*time.Hour, "crm", crm)
}

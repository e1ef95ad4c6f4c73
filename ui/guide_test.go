package ui

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"lockbox/proxy/secret"
	"lockbox/ui/backend"
)

// guided is a window that was started for the first time, with a vault file to keep
// keys in and the guide open.
func guided(t *testing.T) *screen {
	t.Helper()
	s := openBackend(t, "", func(o *backend.Options) {
		o.Vault, o.Passphrase = filepath.Join(o.StateDir, "vault.age"), secret.New("correct horse")
	})
	s.guide()
	return s
}

// at fails the test unless the guide is at a step.
func (s *screen) at(step int) {
	s.t.Helper()
	if s.tour == nil || s.tour.step != step {
		s.t.Fatalf("the guide is not at step %d: %+v", step, s.tour)
	}
}

// keyed is an API that wants a key.
func keyed(t *testing.T, status *atomic.Int32) *httptest.Server {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer "+canary:
			w.WriteHeader(http.StatusUnauthorized)
		case status.Load() != 0:
			w.WriteHeader(int(status.Load()))
		}
		_, _ = w.Write([]byte(`{"login": "octocat"}`))
	}))
	t.Cleanup(up.Close)
	return up
}

// firstCall makes a call as a platform does, with the token that was made.
func (s *screen) firstCall(path string) {
	s.t.Helper()
	s.app.Clipboard().SetContent("")
	s.press(fyne.KeyReturn) // Copy has the keyboard
	if got := s.callWith(path, s.app.Clipboard().Content()); got != http.StatusOK {
		s.t.Fatalf("%s with the copied token: %d", path, got)
	}
	s.until("the kit has heard of it", func() bool {
		return strings.Contains(s.tour.maker.kit.call.seg.Text, "Received from") && s.tour.rail.steps[0].at == stepsDone
	})
}

// TestGuideOfFirstStart: it is shown by itself, once.
func TestGuideOfFirstStart(t *testing.T) {
	s := open(t, "")
	if !s.b.View().FirstRun || s.tour != nil || !s.services.welcome.Visible() {
		t.Fatal("it is no first start, or the skipped guide does not lead to the welcome")
	}
	s.chosen = false
	s.begin(s.b.View())
	s.at(stepAPI)
	if s.win.Canvas().Focused() != s.tour.picker.search {
		t.Error("the keyboard is not in the search")
	}
	s.press(fyne.KeyEscape)
	if s.tour != nil || !s.services.root.Visible() || s.shown != s.services.root {
		t.Error("Escape does not skip it")
	}
	other := open(t, none)
	other.chosen = false
	other.begin(other.b.View())
	if other.tour != nil {
		t.Error("it is shown at a start that is not the first")
	}
}

// TestGuideIsFoundAgain by what leads to it.
func TestGuideIsFoundAgain(t *testing.T) {
	s := open(t, none)
	press := func(in fyne.CanvasObject, label string) {
		t.Helper()
		found := false
		walk(in, func(o fyne.CanvasObject) {
			if b, ok := o.(*button); ok && strings.HasPrefix(b.Text, label) && !found {
				found = true
				test.Tap(b)
			}
		})
		if !found || s.tour == nil {
			t.Fatalf("%q does not open the guide", label)
		}
		s.tour.skip()
	}
	s.until("the page is empty", s.services.noneYet.Visible)
	press(s.services.noneYet, "Show me around")
	s.window.open(pageSettings)
	press(s.settings.root, "Show me around")
	for _, c := range s.commands() {
		if strings.HasPrefix(c.name, "Show me around") {
			c.do()
		}
	}
	s.at(stepAPI)
	if s.tour.picker.demo != nil {
		t.Error("a demo is offered where there is none")
	}
	s.create()
	if s.tour != nil || s.picker == nil {
		t.Error("Ctrl+N does not leave it")
	}
}

// TestGuideWithDemo by the keyboard: four times Enter, a call, Done.
func TestGuideWithDemo(t *testing.T) {
	s := guided(t)
	if got := s.tour.picker.chosen(); got != "Demo" {
		t.Fatalf("%q is chosen first", got)
	}
	s.press(fyne.KeyReturn)
	s.at(stepKey)
	f := s.tour.form
	if !f.none.Visible() || f.parts.credential.Visible() || s.win.Canvas().Focused() != f.save {
		t.Error("the demo wants a key, or Enter does not go on")
	}
	s.press(fyne.KeyReturn)
	s.at(stepTest)
	if s.win.Canvas().Focused() != f.test {
		t.Error("the keyboard is not at the test")
	}
	s.press(fyne.KeyReturn)
	s.until("the test went well", func() bool { return s.win.Canvas().Focused() == f.save })
	if got := f.after.shown; got.mark != markGood {
		t.Errorf("it says %+v", got)
	}
	s.press(fyne.KeyReturn)
	s.at(stepToken)
	s.tour.maker.audience.SetText("zapier")
	s.press(fyne.KeyReturn)
	s.until("the token", s.tour.maker.made.Visible)
	s.firstCall("/s/demo/hello")
	if test.Tap(s.tour.maker.done); s.tour != nil || s.services.selected != "demo" {
		t.Errorf("Done leads to %q", s.services.selected)
	}
}

// TestGuideWithOtherAPI: the test says what mends it, going back keeps what was
// typed, and nothing is saved before it is said so.
func TestGuideWithOtherAPI(t *testing.T) {
	var status atomic.Int32
	up := keyed(t, &status)
	s := guided(t)
	s.tour.picker.search.SetText("other")
	s.press(fyne.KeyReturn)
	s.at(stepKey)
	f := s.tour.form
	s.press(fyne.KeyReturn)
	s.at(stepKey)
	if f.reason("name") == "" || s.win.Canvas().Focused() != f.name {
		t.Error("it does not say that a name is wanted")
	}
	f.name.SetText("shop")
	f.baseURL.SetText(up.URL)
	f.keyFields["token"].entry.SetText("wrong")
	f.onward()
	s.at(stepTest)
	if f.callersShown() {
		t.Error("the guide shows who may call")
	}
	s.press(fyne.KeyReturn)
	s.until("the test has failed", f.after.root.Visible)
	if got := f.after.shown; got.mark != markFailed || !strings.Contains(got.text, "does not take the key") {
		t.Errorf("a wrong key: %+v", got)
	}
	s.press(fyne.KeyReturn) // Back to the key has the keyboard
	s.at(stepKey)
	if f.name.Text != "shop" || f.keyFields["token"].entry.Text != "wrong" || f.after.root.Visible() {
		t.Error("going back loses what was typed, or keeps the verdict on it")
	}
	f.keyFields["token"].entry.SetText(canary)
	test.Tap(f.leave)
	s.at(stepAPI)
	s.press(fyne.KeyReturn)
	if s.at(stepKey); s.tour.form != f {
		t.Fatal("the form that was begun is another one now")
	}
	f.onward()
	status.Store(404)
	s.press(fyne.KeyReturn)
	s.until("nothing is there", func() bool { return strings.Contains(f.after.shown.text, "nothing at this path") })
	status.Store(0)
	test.Tap(f.test)
	s.until("the test went well", func() bool { return f.after.shown.mark == markGood })
	if _, err := s.b.Form("shop"); err == nil {
		t.Error("it is saved before it is said so")
	}
	s.press(fyne.KeyReturn)
	s.until("it is saved", func() bool { return s.tour.step == stepToken })
	if f.keyFields["token"].entry.Text != "" {
		t.Error("the key is still in its field")
	}
	s.press(fyne.KeyReturn)
	s.until("the token", s.tour.maker.made.Visible)
	s.firstCall("/s/shop/orders")
	s.press(fyne.KeyEscape)
	if s.tour != nil || s.services.selected != "shop" || s.call("GET", "/s/shop/x", "") != http.StatusUnauthorized {
		t.Errorf("it ends with %q selected", s.services.selected)
	}
}

// TestGuideWithPreset: a failed test is passed over, and what was saved is changed
// by going back.
func TestGuideWithPreset(t *testing.T) {
	var status atomic.Int32
	up := keyed(t, &status)
	s := guided(t)
	s.tour.picker.search.SetText("github")
	s.press(fyne.KeyReturn)
	f := s.tour.form
	if f.preset == nil || s.win.Canvas().Focused() != f.keyFields["key/token"].entry {
		t.Fatal("the keyboard is not in the key")
	}
	f.baseURL.SetText(up.URL)
	f.keyFields["key/token"].entry.SetText("wrong")
	s.press(fyne.KeyReturn)
	s.at(stepTest)
	s.press(fyne.KeyReturn)
	s.until("the test has failed", f.after.root.Visible)
	if got := f.verdict.shown.text; !strings.Contains(got, "does not take this key") {
		t.Errorf("it says %q", got)
	}
	s.win.Canvas().FocusNext()
	s.press(fyne.KeyReturn) // Go on all the same
	s.until("it is saved", func() bool { return s.tour.step == stepToken })
	test.Tap(s.tour.maker.cancel)
	s.at(stepTest)
	again := s.tour.form
	if again == f || again.old != f.value().Name || again.save.Text != "Next" {
		t.Fatalf("going back leads to %q", again.old)
	}
	test.Tap(again.leave)
	s.at(stepKey)
	again.keyFields["token"].entry.SetText(canary)
	again.onward()
	s.press(fyne.KeyReturn)
	s.until("the test went well", func() bool { return again.after.shown.mark == markGood })
	s.press(fyne.KeyReturn)
	s.until("it is saved anew", func() bool { return s.tour.step == stepToken })
	test.Tap(s.tour.maker.save)
	s.until("the token", s.tour.maker.made.Visible)
	s.firstCall("/s/" + again.old + "/user")
}

// TestGuideAsksBeforeItThrowsAway: Escape and Skip ask when a key was typed, and only
// then.
func TestGuideAsksBeforeItThrowsAway(t *testing.T) {
	s := guided(t)
	s.tour.picker.search.SetText("github")
	s.press(fyne.KeyReturn, fyne.KeyEscape)
	if s.tour != nil {
		t.Fatal("it asks about nothing")
	}
	s.guide()
	s.tour.picker.search.SetText("github")
	s.press(fyne.KeyReturn)
	s.tour.form.keyFields["key/token"].entry.SetText(canary)
	s.press(fyne.KeyEscape)
	if s.tour == nil || !s.tour.ask.root.Visible() {
		t.Fatal("it does not ask")
	}
	s.press(fyne.KeyEscape)
	if s.tour.ask.root.Visible() || s.win.Canvas().Focused() != s.tour.form.keyFields["key/token"].entry {
		t.Error("Escape does not keep it")
	}
	quit := false
	s.leave(func() { quit = true })
	if quit || !s.tour.ask.root.Visible() {
		t.Error("the program ends without asking")
	}
	s.window.open(pageTokens)
	s.openServices()
	if s.tour == nil || s.tour.step != stepKey {
		t.Error("another page loses it")
	}
	key := s.tour.form.keyFields["key/token"].entry
	s.tour.skip()
	test.Tap(s.tour.ask.buttons.Objects[1].(*button))
	if s.tour != nil || key.Text != "" || len(s.b.View().Services) != 2 {
		t.Error("it is not gone, or something of it is left")
	}
}

// TestGuideWithoutKeychain says why nothing can be saved, and keeps what was typed.
func TestGuideWithoutKeychain(t *testing.T) {
	s := open(t, "")
	s.guide()
	s.tour.picker.search.SetText("github")
	s.press(fyne.KeyReturn)
	f := s.tour.form
	f.keyFields["key/token"].entry.SetText(canary)
	s.press(fyne.KeyReturn)
	test.Tap(f.save)
	s.until("it says why", f.trouble.root.Visible)
	if s.tour.step != stepTest || f.keyFields["key/token"].entry.Text != canary || !strings.Contains(f.trouble.shown.text, "keychain") {
		t.Errorf("it says %+v", f.trouble.shown)
	}
	f.forget()
}

func (f *guideForm) callersShown() bool {
	shown := false
	walk(f.scroll.Content, func(o fyne.CanvasObject) { shown = shown || o == fyne.CanvasObject(f.tokenRequired) })
	return shown
}

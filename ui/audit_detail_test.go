package ui

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"lockbox/proxy/audit"
	"lockbox/ui/backend"
)

// TestAuditKeys: the page by keyboard alone.
func TestAuditKeys(t *testing.T) {
	s := openWith(t, testConfig, manyCalls(300))
	s.window.open(pageAudit)
	p := s.audit
	s.until("the newest calls", func() bool { return len(p.feed.calls) == auditPageSize })
	canvas := s.win.Canvas()
	ctrl := func(k fyne.KeyName) { s.keys.shortcuts.TypedShortcut(ctrlKey(k)) }
	press := func(keys ...fyne.KeyName) {
		t.Helper()
		for _, k := range keys {
			if f := canvas.Focused(); f != nil {
				f.TypedKey(&fyne.KeyEvent{Name: k})
			} else {
				s.keys.typed(&fyne.KeyEvent{Name: k})
			}
		}
	}
	ctrl(fyne.KeyF)
	if canvas.Focused() != fyne.Focusable(p.bar.box) {
		t.Fatal("Ctrl+F does not lead to the search box")
	}
	for _, r := range "method:POST" {
		canvas.Focused().TypedRune(r)
	}
	press(fyne.KeyReturn)
	s.until("the calls", func() bool { return len(p.feed.calls) == 75 && p.matches == 75 })
	if canvas.Focused() != fyne.Focusable(p.list) {
		t.Fatal("Enter does not lead to the list")
	}
	press(fyne.KeyDown, fyne.KeyDown, fyne.KeyDown, fyne.KeyUp)
	if got := p.feed.find(p.selected); got != 1 || p.detail.root.Visible() {
		t.Errorf("row %d is selected, want 1", got)
	}
	press(fyne.KeyReturn)
	s.until("the record", func() bool { return p.detail.root.Visible() && p.detail.x.ID == p.feed.calls[1].id })
	press(fyne.KeyDown)
	s.until("the next one", func() bool { return p.detail.x.ID == p.feed.calls[2].id })
	s.keys.shortcuts.TypedShortcut(&fyne.ShortcutCopy{})
	if got, want := s.app.Clipboard().Content(), backend.CurlOf(s.b.View().BaseURL, p.detail.x); got != want || !strings.Contains(got, "invoice") {
		t.Errorf("Ctrl+C copies %q, want %q", got, want)
	}
	ctrl(fyne.KeyG)
	if canvas.Focused() != fyne.Focusable(p.detail.find.box) {
		t.Fatal("Ctrl+G does not lead to the box that finds")
	}
	for _, r := range "SKU" {
		canvas.Focused().TypedRune(r)
	}
	if got := p.detail.find.tally.text; got != "1 of 2" {
		t.Errorf("found %q", got)
	}
	press(fyne.KeyReturn)
	at := s.app.Driver().AbsolutePositionForObject
	if y := at(p.detail.parts[1].sheet.root).Y + p.detail.parts[1].sheet.height() - at(p.detail.scroll).Y; y < 0 || y > p.detail.scroll.Size().Height-rowHeight {
		t.Errorf("what was found is at %v of %v", y, p.detail.scroll.Size().Height)
	}
	if got := p.detail.find.tally.text; got != "2 of 2" || p.detail.parts[1].sheet.now != 1 {
		t.Errorf("then %q, at %d", got, p.detail.parts[1].sheet.now)
	}
	press(fyne.KeyEscape)
	if p.detail.find.box.Text != "" || !p.detail.root.Visible() {
		t.Error("Esc does not end the finding first")
	}
	press(fyne.KeyEscape)
	if p.detail.root.Visible() {
		t.Error("Esc does not close the record then")
	}
	press(fyne.KeyEnd)
	if got := p.feed.find(p.selected); got != 74 {
		t.Errorf("End leads to row %d", got)
	}
	press(fyne.KeyEscape, fyne.KeyEscape)
	s.until("all of them", func() bool { return p.bar.words == "" && len(p.feed.calls) == auditPageSize })
}

// TestAuditTricks: what a caller sends is shown with its tricks written out, in
// the list and in the record.
func TestAuditTricks(t *testing.T) {
	const trick = "\u202egnp\x1b[2J\u2066"
	body := `{"a":"` + "\u202e" + `x"}`
	s := openWith(t, testConfig, []audit.Exchange{
		{Event: "tunnel_opened", Decision: audit.Noted, Reason: "at https://x.example" + trick, Time: time.Now()},
		{Service: "de" + trick, Method: "G" + trick, Path: "/s/demo/" + trick, Query: trick, Status: 401, Audience: trick, JTI: trick, Decision: audit.Refused, Reason: "token" + trick + ": not" + trick,
			Listener: "local", Remote: trick, Time: time.Now(), RequestHeader: http.Header{"X-" + trick: {trick + "\r\nX-Other: 1"}}, RequestBody: &audit.Body{Text: body, Size: int64(len(body))}},
	})
	s.window.open(pageAudit)
	p := s.audit
	s.until("the calls", func() bool { return len(p.feed.calls) == 2 && p.matches >= 0 })
	if c := p.feed.calls[1]; !c.noted || c.mark != markInactive || c.path != `Tunnel opened: at https://x.example\u202egnp\x1b[2J\u2066` {
		t.Errorf("the note is %+v", c)
	}
	var shown []string
	look := func() {
		for _, c := range p.feed.calls {
			shown = append(shown, c.path, c.service, c.method, c.audience, c.note)
		}
		d := p.detail
		shown = append(shown, d.status.text, d.path.text, d.why.title.text, d.why.text.seg.Text)
		for _, f := range d.facts {
			shown = append(shown, f.value.text)
		}
		for _, part := range d.parts {
			shown = append(shown, part.sheet.text)
		}
		for _, c := range p.chips.chips {
			shown = append(shown, c.label)
		}
	}
	for i := range 2 {
		p.choose(i)
		s.until("the record", func() bool { return p.detail.x.ID == p.feed.calls[i].id })
		look()
	}
	p.bar.set("token:x" + trick + " service:x" + trick)
	look()
	p.bar.set("nothing:" + trick + ` service:"` + trick)
	shown = append(shown, p.bar.trouble.text)
	for _, text := range shown {
		for l := range strings.SplitSeq(text, "\n") {
			if visible(l) != l {
				t.Errorf("%q is shown", text)
			}
		}
	}
	if got := headerText(http.Header{"X": {"1\r\nX-Other: 1"}}); got != `X: 1\x0d\x0aX-Other: 1` {
		t.Errorf("a header with a line break is shown as %q", got)
	}
	if got := percent("/a\u202eb c"); got != "/a%E2%80%AEb%20c" {
		t.Errorf("an address to be edited is %s", got)
	}
}

// TestAuditReplay: a call is made again as it was and changed, through the same
// service, and its record is marked and selected.
func TestAuditReplay(t *testing.T) {
	s := open(t, testConfig)
	s.window.open(pageAudit)
	p := s.audit
	s.call("POST", "/s/demo/things?x=1", `{"a":1}`)
	s.until("the call", func() bool { return len(p.feed.calls) == 1 })
	p.choose(0)
	s.until("its record", p.detail.root.Visible)
	first := p.detail.x
	p.detail.replay(nil)
	s.until("the record of the replay", func() bool { return p.detail.x.ReplayOf == first.ID })
	s.until("its row", func() bool { return len(p.feed.calls) == 2 && p.feed.calls[0].id == p.selected })
	if x := p.detail.x; x.Status != 200 || x.RequestBody.Text != `{"a":1}` || x.Query != "x=1" || p.feed.calls[0].note != "replay" {
		t.Errorf("it was made again as %+v, in the list %+v", x, p.feed.calls[0])
	}

	p.choose(1)
	s.until("the first", func() bool { return p.detail.x.ID == first.ID })
	p.detail.edit()
	r := p.detail.again
	if r.method.Text != "POST" || r.path.Text != "/s/demo/things" || r.query.Text != "x=1" || r.body.Text != `{"a":1}` || !strings.Contains(r.headers.Text, "Content-Type: application/json") {
		t.Errorf("the form has %q %q %q %q %q", r.method.Text, r.path.Text, r.query.Text, r.headers.Text, r.body.Text)
	}
	r.headers.SetText("nonsense")
	r.submit()
	if !r.trouble.root.Visible() {
		t.Error("a header that is none is sent")
	}
	r.headers.SetText("content-type: text/plain\nAccept: text/x-two")
	r.path.SetText("/s/acme/things")
	r.submit()
	s.until("the refusal", func() bool { return strings.Contains(r.trouble.shown.text, "/s/demo") })
	r.method.SetText("put")
	r.path.SetText("/s/demo/other")
	r.query.SetText("")
	r.body.SetText("changed")
	r.submit()
	s.until("the record of the changed call", func() bool { return p.detail.x.Method == "PUT" })
	x := p.detail.x
	if x.Path != "/s/demo/other" || x.Query != "" || x.ReplayOf != first.ID || x.RequestBody.Text != "changed" || x.RequestHeader.Get("Accept") != "text/x-two" {
		t.Errorf("it was made as %+v", x)
	}
	if r.root.Visible() || !p.detail.scroll.Visible() {
		t.Error("the form is still there")
	}

	p.detail.edit()
	p.key(fyne.KeyEscape)
	if r.root.Visible() || !p.detail.root.Visible() {
		t.Error("Esc does not close the form alone")
	}
}

// TestAuditQuick: with 10,000 rows a step of the list, and of the strip, takes
// much less than a frame.
func TestAuditQuick(t *testing.T) {
	s := openWith(t, testConfig, manyCalls(auditMax))
	s.window.open(pageAudit)
	p := s.audit
	s.until("the newest calls", func() bool { return len(p.feed.calls) > 0 })
	page, err := s.b.Exchanges(audit.Query{Limit: auditMax})
	if err != nil || len(page) != auditMax {
		t.Fatal(len(page), err)
	}
	p.feed.reset(page)
	p.list.Refresh()
	quick := func(what string, f func(i int)) {
		t.Helper()
		const steps = 50
		best := time.Hour
		for range 8 { // others need the machine too
			began := time.Now()
			for i := range steps {
				f(i)
			}
			best = min(best, time.Since(began)/steps)
		}
		t.Logf("%s: %v", what, best)
		if best > 8*time.Millisecond*slowed {
			t.Errorf("%s takes %v", what, best)
		}
	}
	quick("a step of the list", func(i int) { p.list.ScrollToOffset(float32(i) * 5003) })
	quick("a new call", func(i int) {
		p.feed.newer([]backend.Exchange{{ID: fmt.Sprint(i), Seq: int64(auditMax + i), Status: 200}})
		p.list.Refresh()
	})
	buckets := make([]backend.Bucket, timelineParts)
	for i := range buckets {
		buckets[i] = backend.Bucket{Start: time.Unix(int64(i), 0), Calls: int64(i * 3), Errors: int64(i % 4)}
	}
	r := &timelineRenderer{timeline: p.timeline, calls: light["success"], errors: light["error"], rim: light["separator"], drawn: buckets}
	quick("drawing the strip", func(int) { r.draw(1000, callsHeight+errorsHeight) })
	quick("drawing the strip at two pixels a unit", func(int) { r.draw(2000, 2*(callsHeight+errorsHeight)) })
	quick("other numbers", func(i int) { p.timeline.set(append([]backend.Bucket(nil), buckets...)) })
	quick("the pointer on the strip", func(i int) { p.timeline.at = i; p.timeline.Refresh() })
}

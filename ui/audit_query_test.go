package ui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"

	"lockbox/proxy/audit"
	"lockbox/ui/backend"
)

func TestReplaced(t *testing.T) {
	tests := []struct {
		words, word string
		values      []string
		want        string
	}{
		{"", "service", []string{"github"}, "service:github"},
		{"invoice", "service", []string{"github"}, "service:github invoice"},
		{"status:5xx box", "service", []string{"a b"}, `status:5xx service:"a b" box`},
		{"service:a status:5xx service:b x", "service", []string{"c"}, "service:c status:5xx x"},
		{"service:a status:5xx", "service", nil, "status:5xx"},
		{"since:1h x", "until", []string{"2m"}, "since:1h until:2m x"},
		{`"status:404" x`, "status", []string{"404"}, `status:404 "status:404" x`},
	}
	for _, tt := range tests {
		terms, err := backend.Terms(tt.words)
		if got := replaced(terms, tt.word, tt.values...); err != nil || got != tt.want {
			t.Errorf("%q with %s %q: %q, %v; want %q", tt.words, tt.word, tt.values, got, err, tt.want)
		}
	}
}

// TestAuditWords: box and chips say the same, whichever of them is changed, and
// the list has what they choose.
func TestAuditWords(t *testing.T) {
	s := openWith(t, testConfig, manyCalls(400))
	s.window.open(pageAudit)
	p := s.audit
	chosen := func(what string, want int64) {
		t.Helper()
		s.until(what, func() bool { return p.matches == want && len(p.feed.calls) > 0 == (want > 0) })
	}
	label := func(i int) string { return p.chips.chips[i].label }
	s.until("the newest calls", func() bool { return len(p.feed.calls) == auditPageSize })
	if got := p.tally.text; got != "400 calls on record" {
		t.Errorf("the tally says %q", got)
	}

	p.bar.box.SetText("status:5xx serv")
	p.bar.box.SetText("status:5xx service:github")
	s.until("the words to be in force", func() bool { return p.bar.words == "status:5xx service:github" })
	want, err := s.b.Matches(t.Context(), audit.Query{Status: []string{"5xx"}, Service: []string{"github"}})
	if err != nil || want == 0 {
		t.Fatal(want, err)
	}
	chosen("the failed calls of github", want)
	for _, c := range p.feed.calls {
		if c.service != "github" || c.status != 504 {
			t.Errorf("the list has %+v", c)
		}
	}
	if label(0) != "Service: github" || label(1) != "Status: 5xx" || label(2) != "Method" {
		t.Errorf("the chips say %q, %q, %q", label(0), label(1), label(2))
	}
	if got := p.tally.text; got != thousands(want)+" of 400 calls" {
		t.Errorf("the tally says %q", got)
	}

	// From the chips: a menu, its values, the cross.
	p.chips.chips[0].TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	s.until("the menu", func() bool { return p.chips.menu != nil && p.chips.menu.Visible() })
	p.chips.menu.Dismiss()
	p.bar.toggle("service", "stripe")
	p.bar.toggle("service", "github")
	if got := p.bar.box.Text; got != "status:5xx service:stripe" {
		t.Errorf("the box says %q", got)
	}
	c := p.chips.chips[1]
	c.Resize(c.MinSize())
	c.Tapped(&fyne.PointEvent{Position: fyne.NewPos(c.Size().Width-5, 5)})
	if got := p.bar.box.Text; got != "service:stripe" || label(1) != "Status" {
		t.Errorf("after the cross the box says %q, the chip %q", got, label(1))
	}

	// An error leaves what was in force.
	p.bar.set("service:stripe status:boo")
	if p.bar.bad.Hidden || !strings.Contains(p.bar.trouble.text, "such as 404") || p.bar.words != "service:stripe" {
		t.Errorf("%q, shown %v, in force %q", p.bar.trouble.text, !p.bar.bad.Hidden, p.bar.words)
	}
	p.bar.set("no-call-has-this")
	chosen("nothing", 0)
	if p.empty.Hidden || !p.bar.bad.Hidden {
		t.Error("an empty list says nothing")
	}
	p.bar.set(`invoice 1398`)
	chosen("the one call with a word in its body and one in its path", 1)

	// An answer that comes late is dropped.
	p.bar.set("service:stripe")
	p.bar.set("service:acme")
	s.until("acme's calls", func() bool { return len(p.feed.calls) > 0 && p.matches > 0 && !p.reading })
	s.until("rest", func() bool { return p.survey.cancel == nil })
	for _, c := range p.feed.calls {
		if c.service != "acme" {
			t.Fatalf("the list has a call of %s", c.service)
		}
	}
	for range 10 {
		p.key(fyne.KeyEscape)
	}
	if p.bar.words != "" || label(0) != "Service" {
		t.Errorf("Esc leaves %q", p.bar.words)
	}
}

// TestAuditMenu: the values of a filter with their numbers, bounded.
func TestAuditMenu(t *testing.T) {
	s := open(t, testConfig)
	r := s.audit.chips
	s.audit.bar.set("status:404 service:gone")
	var many []backend.Value
	for i := range 100 {
		many = append(many, backend.Value{Name: "s" + strings.Repeat("x", i), Count: int64(100 - i)})
	}
	tests := []struct {
		word   string
		values []backend.Value
		want   string
	}{
		{"status", []backend.Value{{Name: "200", Count: 1234}, {Name: "404", Count: 5}, {Name: "201", Count: 1}, {Name: "0", Count: 3}}, "2xx   1,235|4xx   5||200   1,234|*404   5|201   1"},
		{"service", []backend.Value{{Name: "a\u202e", Count: 1}}, `a\u202e   1|*gone`},
		{"method", nil, "-No call has one yet"},
	}
	for _, tt := range tests {
		var got []string
		for _, i := range r.items(tt.word, tt.values) {
			got = append(got, map[bool]string{true: "*"}[i.Checked]+map[bool]string{true: "-"}[i.Disabled]+i.Label)
		}
		if strings.Join(got, "|") != tt.want {
			t.Errorf("%s: %q, want %q", tt.word, strings.Join(got, "|"), tt.want)
		}
	}
	if got := r.items("audience", many); len(got) != maxChoices+1 || got[maxChoices].Label != "and 76 more: type audience:…" {
		t.Errorf("%d values, the last %q", len(got), got[len(got)-1].Label)
	}
}

// TestAuditTimeline: a click or a drag zooms in, Esc goes back, the pointer tells
// the numbers.
func TestAuditTimeline(t *testing.T) {
	calls := manyCalls(400)
	s := openWith(t, testConfig, calls)
	s.window.open(pageAudit)
	p := s.audit
	s.until("the timeline", func() bool { return len(p.timeline.buckets) == timelineParts })
	var sum, errors int64
	for _, b := range p.timeline.buckets {
		sum += b.Calls
		errors += b.Errors
	}
	want := int64(0)
	for _, x := range calls {
		if x.Fails() {
			want++
		}
	}
	if sum != 400 || errors != want {
		t.Errorf("the strip has %d calls and %d errors, want 400 and %d", sum, errors, want)
	}
	p.timeline.Resize(fyne.NewSize(800, 66))
	at := func(part int) fyne.Position { return fyne.NewPos(float32(part)*8+4, 10) }
	p.timeline.MouseIn(&desktop.MouseEvent{PointEvent: fyne.PointEvent{Position: at(50)}})
	b := p.timeline.buckets[50]
	if _, got, _ := p.timeline.words(); !strings.HasSuffix(got, counted(b.Calls, "call")+", "+counted(b.Errors, "error")) ||
		!strings.HasPrefix(got, b.Start.Local().Format("15:04:05")) && !strings.Contains(got, b.Start.Local().Format("2 Jan")) {
		t.Errorf("the pointer tells %q of %+v", got, b)
	}

	p.bar.set("service:github")
	s.until("github's", func() bool { return p.matches > 0 && p.survey.cancel == nil })
	all, buckets := p.matches, p.timeline.buckets
	for i := 20; i <= 60; i += 10 {
		p.timeline.Dragged(&fyne.DragEvent{PointEvent: fyne.PointEvent{Position: at(i)}, Dragged: fyne.NewDelta(0, 0)})
	}
	p.timeline.DragEnd()
	var inside int64
	for _, b := range buckets[20:61] {
		inside += b.Calls
	}
	s.until("the part", func() bool { return p.survey.cancel == nil && p.matches > 0 && len(p.feed.calls) > 0 })
	if p.matches < inside || p.matches > inside+2 { // whole seconds around it
		t.Errorf("%d calls are in the part, want %d of %d", p.matches, inside, all)
	}
	q := p.bar.query()
	if q.Since.After(buckets[20].Start) || q.Until.Before(buckets[61].Start) || q.Until.Sub(buckets[61].Start) > time.Second {
		t.Errorf("from %v to %v, want %v to %v", q.Since, q.Until, buckets[20].Start, buckets[61].Start)
	}
	if got := p.chips.chips[6].label; !strings.Contains(got, " – ") {
		t.Errorf("the chip says %q", got)
	}
	p.timeline.Tapped(&fyne.PointEvent{Position: at(10)})
	s.until("a part of the part", func() bool { return p.survey.cancel == nil && p.matches >= 0 })
	narrow := p.bar.query()
	if d := narrow.Until.Sub(narrow.Since); d > q.Until.Sub(q.Since)/10 {
		t.Errorf("a click leaves %v", d)
	}
	p.key(fyne.KeyEscape)
	if got := p.bar.query(); !got.Since.Equal(q.Since) || !got.Until.Equal(q.Until) {
		t.Errorf("Esc goes back to %v", got)
	}
	p.key(fyne.KeyEscape)
	if p.bar.words != "service:github" {
		t.Errorf("Esc goes back to %q", p.bar.words)
	}
	p.bar.set("service:github since:2026-01-01 until:2026-01-02")
	p.chips.remove("since")
	if p.bar.words != "service:github" {
		t.Errorf("the time's cross leaves %q", p.bar.words)
	}
}

// TestSearchWhileIndexed: what is found once older calls are indexed shows up by
// itself, and until then the page says how many are left.
func TestSearchWhileIndexed(t *testing.T) {
	calls := make([]audit.Exchange, 30_000)
	for i := range calls {
		calls[i] = audit.Exchange{Time: time.Now().Add(-time.Hour), Service: "demo", Method: "GET", Path: "/s/demo/x", Status: 200, Decision: audit.Allowed}
	}
	calls[20_000].Path = "/s/demo/needle"
	s := openBackend(t, testConfig, func(o *backend.Options) {
		dir := filepath.Join(o.StateDir, "audit")
		fillLog(t, dir, calls)
		files, err := filepath.Glob(filepath.Join(dir, "index.db*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no index: %v", err)
		}
		for _, f := range files {
			if err := os.Remove(f); err != nil {
				t.Fatal(err)
			}
		}
	})
	s.window.open(pageAudit)
	p := s.audit
	p.bar.set("needle")
	said := false
	s.until("the call is found", func() bool {
		said = said || strings.Contains(p.about.text, "still to be searched") && p.empty.Visible()
		return len(p.feed.calls) == 1 && p.feed.calls[0].path == "/s/demo/needle"
	})
	if !said {
		t.Error("the page does not say that calls are left to be searched")
	}
	s.until("no call is left", func() bool { return !strings.Contains(p.tally.text, "still") })
}

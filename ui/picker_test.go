package ui

import (
	"image/color"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"lockbox/ui/backend"
)

// chosen is the name on the tile that Enter would open.
func (p *picker) chosen() string { return p.box.Objects[p.at].(*presetTile).name }

// press sends keys to what has the keyboard.
func (s *screen) press(keys ...fyne.KeyName) {
	s.t.Helper()
	for _, k := range keys {
		if f := s.win.Canvas().Focused(); f != nil {
			f.TypedKey(&fyne.KeyEvent{Name: k})
			continue
		}
		s.keys.typed(&fyne.KeyEvent{Name: k})
	}
}

// TestPickerByKeyboard: type, arrows, Enter; Esc goes back step by step.
func TestPickerByKeyboard(t *testing.T) {
	s := open(t, testConfig)
	s.create()
	p := s.picker
	if got := len(p.box.Objects); got != 31 || p.chosen() != "Airtable" || s.win.Canvas().Focused() != p.search {
		t.Fatalf("%d tiles, %s chosen", got, p.chosen())
	}
	if p.scroll.Offset.Y != 0 {
		t.Errorf("it begins %v down", p.scroll.Offset.Y)
	}
	columns := p.grid.columns
	if columns < 3 {
		t.Errorf("%d columns", columns)
	}
	s.press(fyne.KeyRight, fyne.KeyDown, fyne.KeyDown)
	if p.at != 1+2*columns {
		t.Errorf("the arrows lead to %d", p.at)
	}
	s.press(fyne.KeyUp, fyne.KeyLeft)
	if p.at != columns {
		t.Errorf("and back to %d", p.at)
	}
	for range 40 {
		s.press(fyne.KeyDown)
	}
	if p.at != 30 && p.at/columns != 30/columns {
		t.Errorf("the end is at %d", p.at)
	}
	if p.scroll.Offset.Y == 0 && p.scroll.Content.MinSize().Height > p.scroll.Size().Height {
		t.Error("the chosen tile is out of sight")
	}
	for _, tt := range []struct{ typed, want string }{
		{"gpt", "OpenAI"}, {"claude", "Anthropic"}, {"gh", "GitHub"}, {"other", "Other API"}, {"zzz", "Other API"}, {"", "Airtable"},
	} {
		p.search.SetText(tt.typed)
		if p.chosen() != tt.want {
			t.Errorf("%q: %s is chosen, want %s", tt.typed, p.chosen(), tt.want)
		}
		if p.nothing.Visible() != (tt.typed == "zzz") {
			t.Errorf("%q: “no API like this” is shown: %v", tt.typed, p.nothing.Visible())
		}
	}
	p.search.SetText("slack")
	s.press(fyne.KeyEscape)
	if p.search.Text != "" || s.picker != p {
		t.Fatal("Escape does not clear the search first")
	}
	p.search.SetText("github")
	s.press(fyne.KeyReturn)
	if s.form == nil || s.form.preset.ID != "github" || s.form.name.Text != "github-2" || s.win.Canvas().Focused() != s.form.keyFields["key/token"].entry {
		t.Fatalf("Enter leads to %+v", s.form)
	}
	s.press(fyne.KeyEscape)
	if s.form != nil || s.picker == nil || s.picker.search.Text != "github" {
		t.Fatal("Escape does not lead back to the choice")
	}
	s.press(fyne.KeyEscape, fyne.KeyEscape)
	if s.picker != nil || s.services.root.Visible() == false {
		t.Error("Escape does not lead back to the list")
	}
	s.create()
	s.picker.search.SetText("my own")
	s.press(fyne.KeyReturn)
	if s.form == nil || s.form.preset != nil || s.form.name.Text != "my own" || s.win.Canvas().Focused() != s.form.baseURL {
		t.Error("what nobody knows cannot be added by its address")
	}
	s.press(fyne.KeyEscape)
	s.picker.search.SetText("other")
	s.press(fyne.KeyReturn)
	if s.form == nil || s.form.name.Text != "" || s.win.Canvas().Focused() != s.form.name {
		t.Error("“other” is taken for a name")
	}
}

// TestPresetBadges: white can be read on each colour, and each can be seen on the
// ground of its tile.
func TestPresetBadges(t *testing.T) {
	luminance := func(c color.NRGBA) float64 {
		part := func(v uint8) float64 {
			x := float64(v) / 255
			if x <= 0.03928 {
				return x / 12.92
			}
			return math.Pow((x+0.055)/1.055, 2.4)
		}
		return 0.2126*part(c.R) + 0.7152*part(c.G) + 0.0722*part(c.B)
	}
	contrast := func(a, b color.NRGBA) float64 {
		x, y := luminance(a), luminance(b)
		return (max(x, y) + 0.05) / (min(x, y) + 0.05)
	}
	for _, p := range backend.FindPresets("") {
		c := hexColor(p.Color)
		if got := contrast(c, rgb(0xFFFFFF)); got < 4.5 {
			t.Errorf("%s: the letter has a contrast of %.1f, want 4.5", p.ID, got)
		}
		for name, ground := range map[string]color.NRGBA{"light": light[colorSurface], "dark": dark[colorSurface]} {
			if got := contrast(c, ground); got < 2 {
				t.Errorf("%s: on %s the badge has a contrast of %.1f, want 2", p.ID, name, got)
			}
		}
	}
}

// TestPresetLabels: what a provider calls its key fits beside the field.
func TestPresetLabels(t *testing.T) {
	test.NewTempApp(t).Settings().SetTheme(look{fixed: true})
	for _, p := range backend.FindPresets("") {
		var labels []string
		for _, k := range p.Keys {
			labels = append(labels, k.Label)
		}
		for _, b := range p.Blanks {
			labels = append(labels, b.Label)
		}
		for _, l := range labels {
			if w := plain(l).MinSize().Width; w > labelWidth-gap {
				t.Errorf("%s: “%s” takes %.0f, and there are %d", p.ID, l, w, labelWidth-gap)
			}
		}
		if w := caption(p.About).MinSize().Width; w > tileWidth-3*gap-badgeSize {
			t.Errorf("%s: “%s” takes %.0f on its tile", p.ID, p.About, w)
		}
	}
}

// TestPresetForm: blanks, key, test, save.
func TestPresetForm(t *testing.T) {
	status := 200
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"login": "octocat", "message": "Bad credentials"}`))
	}))
	defer up.Close()
	s := open(t, testConfig)
	s.create()
	s.choose(backend.FindPresets("github")[0], "")
	f := s.form
	if f.dirty() {
		t.Error("a form that nobody touched is dirty")
	}
	test.Tap(f.test)
	if got := f.reason("key/token"); got != "Fill this in." || f.verdict.root.Visible() {
		t.Errorf("without a key: %q", got)
	}
	f.baseURL.SetText(up.URL)
	f.keyFields["key/token"].entry.SetText("env://ACME_KEY")
	verdict := func(m mark, want string) {
		t.Helper()
		test.Tap(f.test)
		s.until("the verdict", func() bool { return !f.test.Disabled() })
		if got := f.verdict.shown; got.mark != m || !strings.Contains(got.text, want) {
			t.Errorf("it says %+v, want %s", got, want)
		}
	}
	verdict(markGood, "Works: signed in as octocat.")
	status = 401
	verdict(markFailed, "GitHub does not take this key. GitHub says: Bad credentials.")
	status = 403
	verdict(markWarning, "GitHub knows the key")
	f.baseURL.SetText(up.URL + "/")
	if f.verdict.root.Visible() {
		t.Error("the verdict on another form is still there")
	}
	f.submit()
	s.until("the list is back", func() bool { return s.form == nil })
	if s.picker != nil || s.services.selected != "github-2" {
		t.Errorf("%q is selected", s.services.selected)
	}
	s.create()
	s.choose(backend.FindPresets("shopify")[0], "")
	f = s.form
	if got := f.preview.text; got != "https://{shop}.myshopify.com/admin/api/2026-10" {
		t.Errorf("the base URL begins as %q", got)
	}
	if s.win.Canvas().Focused() != f.blanks[0].entry {
		t.Error("the keyboard is not in the blank")
	}
	f.blanks[0].entry.SetText("shop.example.com")
	if got := f.reason("blank/shop"); !strings.HasPrefix(got, "This is only what comes before .myshopify.com") {
		t.Errorf("the blank says %q", got)
	}
	f.blanks[0].entry.SetText("https://mystore.myshopify.com/admin")
	if got := f.preview.text; got != "https://mystore.myshopify.com/admin/api/2026-10" || f.reason("blank/shop") != "" {
		t.Errorf("the base URL is %q, the blank says %q", got, f.reason("blank/shop"))
	}
	s.form = nil
	s.choose(backend.FindPresets("mailgun")[0], "")
	f = s.form
	if got := f.value().BaseURL; got != "https://api.mailgun.net" {
		t.Errorf("the region begins as %q", got)
	}
	f.blanks[0].choice.SetSelected("EU")
	if got := f.preview.text; got != "https://api.eu.mailgun.net" || !f.dirty() {
		t.Errorf("in the EU it is %q", got)
	}
	s.form = nil
}

// TestSavedPreset: the test of a service whose API is known says who answered.
func TestSavedPreset(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`{"username": "ada", "path": "` + r.RequestURI + `"}`))
	}))
	defer up.Close()
	s := open(t, `{"services": {"lab": {"base_url": "`+up.URL+`/api/v4", "credential": {"type": "bearer", "token": "env://ACME_KEY"}}}}`)
	s.services.open("lab")
	d := s.services.detail
	test.Tap(d.test)
	s.until("the verdict", func() bool { return !d.test.Disabled() })
	if got := d.result.seg.Text; got != "Works: signed in as ada." {
		t.Errorf("it says %q", got)
	}
	s.services.open("none")
	if s.backend.PresetOf("none") != nil {
		t.Error("what is not there has a preset")
	}
}

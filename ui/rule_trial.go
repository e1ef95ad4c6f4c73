package ui

import (
	"fmt"
	"net/http"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

// ruleTrial says of a call that one thinks of whether it would pass. Nothing is
// sent.
type ruleTrial struct {
	*face
	root   fyne.CanvasObject
	rules  func() ([]backend.Rule, bool)
	method *choice
	path   *entry
	caller *entry
	body   *entry
	marker *marker
	answer *line
	reason *prose
}

func newRuleTrial(f *face, rules func() ([]backend.Rule, bool)) *ruleTrial {
	t := &ruleTrial{face: f, rules: rules, marker: newMarker(markNone), answer: strong("").flexible(), reason: newProse("", theme.SizeNameCaptionText, colorMuted)}
	t.method = newChoice(f.keys, []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}, func(string) { t.check() })
	box := func(hint string) *entry {
		e := newEntry(f.keys)
		e.SetPlaceHolder(hint)
		e.OnChanged = func(string) { t.check() }
		return e
	}
	t.path, t.caller, t.body = box("/repos/a/b?page=2"), box(lang.L("audience")), box(lang.L("JSON body, if it has one"))
	t.body.MultiLine = true
	t.body.Wrapping = fyne.TextWrapBreak
	t.body.TextStyle.Monospace = true
	t.body.SetMinRowsVisible(2)
	call := container.NewBorder(nil, nil, wide(110, frame(t.method)), wide(150, t.caller), t.path)
	verdict := container.NewBorder(nil, nil, container.NewVBox(inset(2, 0, 0, gapSmall, t.marker)), nil, column(gapTight, t.answer, t.reason.root))
	t.root = group(lang.L("Would this pass?"), lang.L("Nothing is sent: the rules above are held against the call, saved or not."), call, t.body, verdict)
	t.method.SetSelected(http.MethodGet)
	return t
}

// check holds the rules against the call.
func (t *ruleTrial) check() {
	rules, ok := t.rules()
	switch {
	case t.path.Text == "":
		t.say(markNone, "", "")
		return
	case !ok:
		t.say(markWarning, lang.L("The rules above need another look first."), "")
		return
	}
	call := backend.RuleCall{Method: t.method.Selected, Target: t.path.Text, Audience: listed(t.caller.Text)}
	if t.body.Text != "" {
		call.Header, call.Body = http.Header{"Content-Type": {"application/json"}}, []byte(t.body.Text)
	}
	v, err := backend.TryRules(rules, call)
	switch {
	case err != nil:
		t.say(markWarning, backend.Sentence(err.Error()), "")
	case v.Action == backend.RuleAllows && v.Rule != "":
		t.say(markGood, lang.L("It passes"), fmt.Sprintf(lang.L("Rule %s"), v.Rule))
	case v.Action == backend.RuleAllows:
		t.say(markGood, lang.L("It passes"), lang.L("No rule denies it."))
	case v.Action == backend.RuleAsks:
		t.say(markInfo, lang.L("It waits for your answer"), fmt.Sprintf(lang.L("Rule %s"), v.Rule))
	default:
		t.say(markRefused, lang.L("It is denied"), strings.TrimSpace(v.Reason))
	}
}

func (t *ruleTrial) say(m mark, answer, reason string) {
	t.marker.set(m)
	t.answer.set(answer, m.color())
	t.reason.set(visible(reason), "")
}

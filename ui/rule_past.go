package ui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

// periods are how far back past calls are looked at.
var periods = []struct {
	label string
	back  time.Duration // 0: all there are
}{{"the last 7 days", 7 * 24 * time.Hour}, {"the last 30 days", 30 * 24 * time.Hour}, {"the last 90 days", 90 * 24 * time.Hour}, {"all that is on record", 0}}

// rulePast is what past calls say of rules: it proposes some that allow these calls,
// and shows what a draft would have refused of them.
type rulePast struct {
	*face
	root    fyne.CanvasObject
	service string
	rules   func() ([]backend.Rule, bool)
	use     func([]backend.Rule)

	period *choice
	caller *entry
	learn  *button
	replay *button
	strip  *strip
	found  *fyne.Container // what came of it
	cancel context.CancelFunc
}

func newRulePast(f *face, service string, rules func() ([]backend.Rule, bool), use func([]backend.Rule)) *rulePast {
	p := &rulePast{face: f, service: service, rules: rules, use: use, strip: newStrip(f.keys), found: column(gapSmall)}
	var labels []string
	for _, x := range periods {
		labels = append(labels, lang.L(x.label))
	}
	p.period = newChoice(f.keys, labels, nil)
	p.period.SetSelected(lang.L(periods[1].label))
	p.caller = newEntry(f.keys)
	p.caller.SetPlaceHolder(lang.L("audience, or empty for all"))
	p.learn = newButton(f.keys, lang.L("Propose rules"), theme.SearchIcon(), p.propose)
	p.replay = newButton(f.keys, lang.L("Try my rules on them"), theme.MediaPlayIcon(), p.rehearse)
	line := container.NewBorder(nil, nil, wide(190, frame(p.period)), row(gapSmall, p.learn, p.replay), p.caller)
	p.root = group(lang.L("Past calls"), lang.L("From the audit log: rules that allow just what was called, or which calls the rules above would have refused."),
		line, p.strip.root, p.found)
	return p
}

func (p *rulePast) past() backend.Past {
	past := backend.Past{Audience: strings.TrimSpace(p.caller.Text)}
	for _, x := range periods {
		if lang.L(x.label) == p.period.Selected && x.back > 0 {
			past.Since = time.Now().Add(-x.back)
		}
	}
	return past
}

// run reads the past calls in a job, which can be cancelled.
func (p *rulePast) run(work func(ctx context.Context, progress func(done, total int64)) error, then func()) {
	if p.cancel != nil {
		return
	}
	p.found.RemoveAll()
	p.cancel = p.loop.run("", func(ctx context.Context) error {
		told := time.Now()
		return work(ctx, func(done, total int64) {
			if time.Since(told) < drawEvery {
				return
			}
			told = time.Now()
			p.loop.hop(func() { p.progress(done, total) })
		})
	}, func(err error) {
		p.cancel = nil
		setDisabled(p.learn, false)
		setDisabled(p.replay, false)
		p.strip.clear()
		switch {
		case errors.Is(err, context.Canceled):
		case err != nil:
			p.strip.say(markFailed, lang.L("The past calls cannot be read"), backend.Sentence(err.Error()), p.strip.dismiss())
		default:
			then()
		}
		p.root.Refresh()
	})
	setDisabled(p.learn, true)
	setDisabled(p.replay, true)
	p.progress(0, 0)
}

func (p *rulePast) progress(done, total int64) {
	if p.cancel == nil {
		return // it has ended
	}
	text := "…"
	if total > 0 {
		text = fmt.Sprintf(lang.L("%s of %s calls"), thousands(done), thousands(total))
	}
	p.strip.say(markInfo, lang.L("Looking at past calls"), text, action{label: lang.L("Cancel"), do: p.cancel})
}

// stop ends what is under way.
func (p *rulePast) stop() {
	if p.cancel != nil {
		p.cancel()
	}
}

// propose shows the rules that the past calls teach.
func (p *rulePast) propose() {
	past := p.past()
	var got backend.Proposal
	p.run(func(ctx context.Context, progress func(done, total int64)) (err error) {
		got, err = p.backend.LearnRules(ctx, p.service, past, backend.MaxLearnt, progress)
		return err
	}, func() { p.showProposal(got) })
}

func (p *rulePast) showProposal(got backend.Proposal) {
	if len(got.Rules) == 0 {
		p.strip.say(markInfo, lang.L("No calls to learn from"), lang.L("The service had none in that time, or none with that audience."), p.strip.dismiss())
		return
	}
	var rules []backend.Rule
	calls := 0
	p.found.Add(pastRow(lang.L("Calls"), lang.L("Rule"), lang.L("For example"), true))
	for _, r := range got.Rules {
		rules = append(rules, r.Rule)
		calls += r.Calls
		example := strings.Join(r.Examples, "   ")
		if r.Failed > 0 {
			example = fmt.Sprintf(lang.L("%s failed   "), thousands(int64(r.Failed))) + example
		}
		p.found.Add(pastRow(thousands(int64(r.Calls)), r.Rule.String(), example, false))
	}
	for _, l := range got.Left {
		p.found.Add(pastRow(thousands(int64(l.Calls)), lang.L("No rule can allow these"), backend.Sentence(l.Reason)+" "+strings.Join(l.Examples, "   "), false))
	}
	p.found.Add(ends(caption(fmt.Sprintf(lang.L("%s for %s"), count(len(rules), "rule"), counted(int64(calls), "call"))).flexible(),
		newButton(p.keys, lang.L("Use these rules"), theme.ConfirmIcon(), func() { p.use(rules) }).primary()))
}

// rehearse shows which past calls the rules would not have let through.
func (p *rulePast) rehearse() {
	rules, ok := p.rules()
	if !ok {
		p.strip.say(markWarning, lang.L("The rules above need another look first"), "", p.strip.dismiss())
		return
	}
	past := p.past()
	var got backend.Rehearsal
	p.run(func(ctx context.Context, progress func(done, total int64)) (err error) {
		got, err = p.backend.RehearseRules(ctx, p.service, rules, past, progress)
		return err
	}, func() { p.showRehearsal(got) })
}

// mostPast is how many calls of a rehearsal are shown.
const mostPast = 50

func (p *rulePast) showRehearsal(got backend.Rehearsal) {
	m, title := markGood, fmt.Sprintf(lang.L("All %s would have passed"), counted(int64(got.Calls), "call"))
	switch {
	case got.Calls == 0:
		p.strip.say(markInfo, lang.L("No calls to try the rules on"), lang.L("The service had none in that time, or none with that audience."), p.strip.dismiss())
		return
	case got.Refused+got.Asked+got.Unsure > 0:
		m, title = markWarning, fmt.Sprintf(lang.L("%s of %s would not have passed"), thousands(int64(got.Calls-got.Allowed)), counted(int64(got.Calls), "call"))
	}
	var parts []string
	for _, x := range []struct {
		n    int
		what string
	}{{got.Allowed, lang.L("pass")}, {got.Refused, lang.L("denied")}, {got.Asked, lang.L("wait for you")}, {got.Unsure, lang.L("depend on a body that is not on record")}} {
		if x.n > 0 {
			parts = append(parts, thousands(int64(x.n))+" "+x.what)
		}
	}
	p.strip.say(m, title, strings.Join(parts, ", ")+".", p.strip.dismiss())
	for i, r := range got.List {
		if i == mostPast {
			p.found.Add(caption(fmt.Sprintf(lang.L("and %s more, older ones"), thousands(int64(got.Refused+got.Asked+got.Unsure-mostPast)))))
			break
		}
		x := r.Exchange
		target := x.Path
		if x.Query != "" {
			target += "?" + x.Query
		}
		why := r.Verdict.Reason
		if r.Verdict.Action == backend.RuleAsks {
			why = fmt.Sprintf(lang.L("Rule %s"), r.Verdict.Rule)
		}
		p.found.Add(pastRow(stamp(x.Time.Local(), "2 Jan 15:04"), x.Method+" "+cut(target), why, false))
	}
}

// pastRow is a row of what came of it.
func pastRow(first, second, third string, head bool) fyne.CanvasObject {
	if head {
		return container.New(pastLayout{}, caption(first), caption(second), caption(third))
	}
	return container.New(pastLayout{}, plain(first).flexible(), plain(visible(second)).mono().flexible(), caption(visible(third)).flexible())
}

// pastLayout: a narrow column and two that share the rest.
type pastLayout struct{}

const pastFirst = 96

func (pastLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(400, max(o[0].MinSize().Height, o[1].MinSize().Height)+4)
}

func (pastLayout) Layout(o []fyne.CanvasObject, s fyne.Size) {
	left := max(0, s.Width-pastFirst-2*gapSmall)
	widths := []float32{pastFirst, left * 0.5, left * 0.5}
	var x float32
	for i, c := range o {
		c.Move(fyne.NewPos(x, 0))
		c.Resize(fyne.NewSize(widths[i], s.Height))
		x += widths[i] + gapSmall
	}
}

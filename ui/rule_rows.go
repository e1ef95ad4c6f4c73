package ui

import (
	"fmt"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

var actionLabels = []struct {
	label  string
	action backend.RuleAction
}{{"Allow", backend.RuleAllows}, {"Deny", backend.RuleDenies}, {"Ask me", backend.RuleAsks}}

// ruleRows are the rules, one below the other.
type ruleRows struct {
	*face
	root    *fyne.Container
	head    *fyne.Container // names the columns
	box     *fyne.Container
	add     *button
	rows    []*ruleRow
	changed func()
	shown   func(fyne.CanvasObject) // scrolls to where the focus is
	all     bool                    // Save was pressed: every row's reason is shown
}

// ruleRow is one rule. What it has no field for stays as it is.
type ruleRow struct {
	rule              backend.Rule
	action            *choice
	methods, path     *entry
	callers, note     *entry
	up, down, remove  *button
	number            *line
	field             *field
	root              fyne.CanvasObject
	touched, building bool
}

func newRuleRows(f *face, changed func()) *ruleRows {
	r := &ruleRows{face: f, box: column(gapSmall), changed: changed, shown: func(fyne.CanvasObject) {}}
	r.add = newButton(f.keys, lang.L("Add a rule"), theme.ContentAddIcon(), func() {
		row := r.append(backend.Rule{Action: backend.RuleAllows})
		r.renumber()
		r.changed()
		f.focus(row.methods)
	})
	r.head = container.New(ruleLayout{}, caption(""), caption(lang.L("What")), caption(lang.L("Methods")), caption(lang.L("Path below the service")), caption(lang.L("Callers")), caption(lang.L("Note for the caller")), caption(""))
	r.root = column(gapSmall, r.head, r.box, container.NewHBox(r.add))
	return r
}

// set shows these rules.
func (r *ruleRows) set(rules []backend.Rule) {
	r.box.RemoveAll()
	r.rows, r.all = nil, false
	for _, rule := range rules {
		r.append(rule)
	}
	r.renumber()
}

func (r *ruleRows) append(rule backend.Rule) *ruleRow {
	row := &ruleRow{rule: rule, building: true, number: muted("")}
	follow := func() {
		if row.building {
			return
		}
		row.touched = true
		r.check()
		r.changed()
	}
	labels := make([]string, len(actionLabels))
	for i, a := range actionLabels {
		labels[i] = lang.L(a.label)
	}
	row.action = newChoice(r.keys, labels, func(string) { follow() })
	for _, a := range actionLabels {
		if a.action == rule.Action {
			row.action.SetSelected(lang.L(a.label))
		}
	}
	box := func(text, hint string) *entry {
		e := newEntry(r.keys)
		e.SetPlaceHolder(hint)
		e.SetText(text)
		e.OnChanged = func(string) { follow() }
		e.focused = func() { r.shown(row.root) }
		return e
	}
	row.methods = box(strings.Join(rule.Methods, ", "), lang.L("any"))
	row.path = box(rule.Path, "/**")
	row.callers = box(strings.Join(rule.For, ", "), lang.L("all"))
	row.note = box(rule.Note, lang.L("why"))
	move := func(by int) func() { return func() { r.move(row, by) } }
	row.up = newButton(r.keys, "", theme.MoveUpIcon(), move(-1)).quiet()
	row.down = newButton(r.keys, "", theme.MoveDownIcon(), move(1)).quiet()
	row.remove = newButton(r.keys, "", theme.ContentRemoveIcon(), func() { r.drop(row) }).quiet()
	three := container.New(layout.NewCustomPaddedHBoxLayout(0), row.up, row.down, row.remove)
	fields := container.New(ruleLayout{}, row.number, frame(row.action), row.methods, row.path, row.callers, row.note, three)
	row.field = fieldOf(further(rule), fields, func(body fyne.CanvasObject) *fyne.Container { return column(0, body) })
	row.root = row.field.root
	row.building = false
	r.rows = append(r.rows, row)
	r.box.Add(row.root)
	return row
}

// further are the conditions of a rule that have no field here, in words.
func further(rule backend.Rule) string {
	rest := rule
	rest.Methods, rest.Path, rest.For, rest.Action = nil, "/", nil, ""
	if text := strings.TrimPrefix(strings.TrimSpace(rest.String()), "/"); text != "" {
		return fmt.Sprintf(lang.L("Also:%s. Edit it as text."), text)
	}
	return ""
}

// value is the rule as it is filled in.
func (row *ruleRow) value() backend.Rule {
	r := row.rule
	for _, a := range actionLabels {
		if lang.L(a.label) == row.action.Selected {
			r.Action = a.action
		}
	}
	r.Methods, r.For = listed(strings.ToUpper(row.methods.Text)), listed(row.callers.Text)
	r.Path, r.Note = strings.TrimSpace(row.path.Text), strings.TrimSpace(row.note.Text)
	return r
}

// listed are the parts between commas, nil for none.
func listed(text string) (out []string) {
	for s := range strings.SplitSeq(text, ",") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// value are the rules as they are filled in.
func (r *ruleRows) value() (rules []backend.Rule) {
	for _, row := range r.rows {
		rules = append(rules, row.value())
	}
	return rules
}

// good reports whether the rules could be saved.
func (r *ruleRows) good() bool {
	return !slices.ContainsFunc(r.rows, func(row *ruleRow) bool { return backend.CheckRule(row.value()) != "" })
}

// check says at each row that was touched what is wrong with it.
func (r *ruleRows) check() {
	for _, row := range r.rows {
		if why := backend.CheckRule(row.value()); why != "" && (r.all || row.touched) {
			row.field.say(markFailed, backend.Sentence(why))
		} else {
			row.field.say(markNone, "")
		}
	}
}

// move has a row change places with its neighbour.
func (r *ruleRows) move(row *ruleRow, by int) {
	i := slices.Index(r.rows, row)
	if i+by < 0 || i+by >= len(r.rows) {
		return
	}
	r.rows[i], r.rows[i+by] = r.rows[i+by], r.rows[i]
	r.box.RemoveAll()
	for _, row := range r.rows {
		r.box.Add(row.root)
	}
	r.renumber()
	r.changed()
}

func (r *ruleRows) drop(row *ruleRow) {
	i := slices.Index(r.rows, row)
	r.rows = slices.Delete(r.rows, i, i+1)
	r.box.Remove(row.root)
	r.renumber()
	r.changed()
	if len(r.rows) > 0 {
		r.focus(r.rows[min(i, len(r.rows)-1)].remove)
	} else {
		r.focus(r.add)
	}
}

func (r *ruleRows) renumber() {
	r.head.Hidden = len(r.rows) == 0
	for i, row := range r.rows {
		row.number.set(fmt.Sprint(i+1), "")
		setDisabled(row.up, i == 0)
		setDisabled(row.down, i == len(r.rows)-1)
	}
	r.root.Refresh()
}

func (r *ruleRows) disable(yes bool) {
	setDisabled(r.add, yes)
	for _, row := range r.rows {
		for _, o := range []fyne.Disableable{row.action, row.methods, row.path, row.callers, row.note, row.up, row.down, row.remove} {
			setDisabled(o, yes)
		}
	}
	if !yes {
		r.renumber()
	}
}

// ruleLayout: number, action, methods, path, callers, note, buttons. The path
// takes twice what the note and the callers take of the width that is left.
type ruleLayout struct{}

const (
	ruleNumberWidth = 22
	ruleActionWidth = 104
	ruleMethodWidth = 124
	ruleButtonWidth = 108
)

func (ruleLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	var high float32
	for _, x := range o {
		high = max(high, x.MinSize().Height)
	}
	return fyne.NewSize(560, high)
}

func (ruleLayout) Layout(o []fyne.CanvasObject, s fyne.Size) {
	left := max(0, s.Width-ruleNumberWidth-ruleActionWidth-ruleMethodWidth-ruleButtonWidth-6*gapSmall)
	widths := []float32{ruleNumberWidth, ruleActionWidth, ruleMethodWidth, left * 0.5, left * 0.22, left * 0.28, ruleButtonWidth}
	var x float32
	for i, c := range o {
		high := min(s.Height, c.MinSize().Height)
		if i > 0 && i < len(o)-1 {
			high = s.Height
		}
		c.Move(fyne.NewPos(x, (s.Height-high)/2))
		c.Resize(fyne.NewSize(widths[i], high))
		x += widths[i] + gapSmall
	}
}

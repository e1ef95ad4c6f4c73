package ui

import (
	"fmt"
	"image/color"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"lockbox/ui/backend"
)

// approvalsPage lists the calls that wait for an answer, and those that had one
// lately. A late answer is given here, and a Deny taken back.
type approvalsPage struct {
	*face
	asker *asker
	root  fyne.CanvasObject
	tally *line
	list  *list
	empty *fyne.Container
	next  *button // of the empty list: the rules are the services'

	toServices func()

	all    []backend.Question
	shown  bool
	now    time.Time
	cursor int // the row that the keyboard is at
}

func newApprovalsPage(f *face, a *asker) *approvalsPage {
	p := &approvalsPage{face: f, asker: a, tally: muted("")}
	p.list = newList(f.keys, func() int { return len(p.all) },
		func() fyne.CanvasObject { return newQuestionRow(f) },
		func(i int, o fyne.CanvasObject) {
			if i < len(p.all) {
				o.(*questionRow).set(&p.all[i], p.now)
			}
		})
	p.list.OnSelected = p.choose
	p.list.at = func() int { return min(p.cursor, len(p.all)-1) }
	p.list.steps = func(i int) { p.cursor = i }
	p.list.enter = p.choose
	p.next = newButton(f.keys, lang.L("Choose a service"), theme.StorageIcon(), func() { p.toServices() })
	p.empty = emptyBox(theme.QuestionIcon(), muted(lang.L("No call waits for your answer. A rule with the action “ask” makes calls wait here.")), p.next)
	head := ends(row(gap, title(lang.L("Approvals")), inset(titleDrop, 0, 0, 0, p.tally)))
	p.root = container.NewBorder(pageHead(head), nil, nil, nil, tight(container.NewStack(p.list, p.empty)))
	a.changed = p.refresh
	return p
}

// open shows the page.
func (p *approvalsPage) open() { p.refresh() }

// tick keeps the times true.
func (p *approvalsPage) tick() {
	if p.shown && len(p.all) > 0 {
		p.refresh()
	}
}

func (p *approvalsPage) refresh() {
	p.now, p.all = time.Now(), p.asker.questions
	p.tally.set(fmt.Sprintf(lang.L("%d open"), len(p.asker.open())), "")
	p.empty.Hidden = len(p.all) > 0
	if p.shown {
		p.list.Refresh()
		p.root.Refresh()
	}
}

// choose has a question answered, or a Deny taken back.
func (p *approvalsPage) choose(i int) {
	p.list.UnselectAll()
	if i >= len(p.all) {
		return
	}
	q := &p.all[i]
	if !q.Open() && q.Answer != backend.Deny {
		p.say(markInfo, fmt.Sprintf(lang.L("%s There is no other answer to it now."), answerWords(q)))
		return
	}
	p.asker.look(q.ID)
}

// key does nothing: the list has the keys that it needs.
func (*approvalsPage) key(fyne.KeyName) bool { return false }

const (
	questionHeight     = 54
	questionStateWidth = 170
)

// questionRow is a row of the list, of plain texts.
type questionRow struct {
	widget.BaseWidget
	face     *face
	question *backend.Question
	now      time.Time
}

func newQuestionRow(f *face) *questionRow {
	r := &questionRow{face: f, question: &backend.Question{}}
	r.ExtendBaseWidget(r)
	return r
}

func (r *questionRow) set(q *backend.Question, now time.Time) {
	r.question, r.now = q, now
	r.Refresh()
}

// CreateRenderer implements fyne.Widget.
func (r *questionRow) CreateRenderer() fyne.WidgetRenderer {
	d := &questionRowRenderer{row: r, badge: newBadge(), mark: newDrawing()}
	for _, t := range []**canvas.Text{&d.call, &d.whose, &d.word, &d.detail} {
		*t = canvas.NewText("", color.Transparent)
	}
	d.call.TextStyle.Monospace = true
	d.Refresh()
	return d
}

type questionRowRenderer struct {
	row                       *questionRow
	badge                     badge
	mark                      drawing
	call, whose, word, detail *canvas.Text
}

func (d *questionRowRenderer) Layout(s fyne.Size) {
	d.badge.move(fyne.NewPos(gap, (s.Height-badgeSize)/2))
	d.mark.move(fyne.NewPos(s.Width-questionStateWidth-gap, s.Height/2-14))
	d.texts(s)
}

// texts cuts and places the texts for the width there is.
func (d *questionRowRenderer) texts(s fyne.Size) {
	if s.Width <= 0 {
		return
	}
	q := d.row.question
	_, word, detail := questionState(q, d.row.now)
	left, right := float32(gap+badgeSize+gap), s.Width-questionStateWidth-gap
	top, bottom := s.Height/2-18, s.Height/2+1
	whose := fmt.Sprintf(lang.L("%s to %s, %s"), callerWords(q), visible(q.Service), ago(q.Asked, d.row.now))
	place(d.call, callLine(q), left, top, right-left-gap)
	place(d.whose, whose, left, bottom, right-left-gap)
	state := right + markSize + gapSmall + 2
	place(d.word, word, state, top, questionStateWidth-markSize-gapSmall-gap)
	place(d.detail, detail, state, bottom, questionStateWidth-markSize-gapSmall-gap)
}

func (*questionRowRenderer) MinSize() fyne.Size {
	return fyne.NewSize(badgeSize+questionStateWidth+180, questionHeight)
}

func (d *questionRowRenderer) Refresh() {
	m, _, _ := questionState(d.row.question, d.row.now)
	d.badge.set(d.row.face.emblem(d.row.question.Service))
	d.mark.set(m)
	for _, t := range []*canvas.Text{d.call, d.word} {
		paint(t, theme.ColorNameForeground, theme.SizeNameText)
	}
	for _, t := range []*canvas.Text{d.whose, d.detail} {
		paint(t, colorMuted, theme.SizeNameCaptionText)
	}
	d.texts(d.row.Size())
}

func (d *questionRowRenderer) Objects() []fyne.CanvasObject {
	return append([]fyne.CanvasObject{d.badge.ground, d.badge.letter, d.call, d.whose, d.word, d.detail}, d.mark.objects()...)
}
func (*questionRowRenderer) Destroy() {}

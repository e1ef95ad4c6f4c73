package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

// emptyPart says what is next while no call is on record.
type emptyPart struct {
	root    *fyne.Container
	words   *line
	curl    *line
	curlBox *fyne.Container
	add     *button
	token   *button
}

func newEmptyPart(p *overviewPage) *emptyPart {
	e := &emptyPart{words: muted(""), curl: plain("").mono().flexible()}
	head := heading(lang.L("No calls yet"))
	head.align, e.words.align = fyne.TextAlignCenter, fyne.TextAlignCenter
	e.curlBox = newSurfaceBox(ends(inset(0, 0, gapSmall, 0, e.curl),
		newButton(p.keys, lang.L("Copy"), theme.ContentCopyIcon(), func() { p.copyText(e.curl.text, lang.L("The line")) }).quiet()))
	e.add = newButton(p.keys, lang.L("Add a service"), theme.ContentAddIcon(), func() { p.to.add() }).primary()
	e.token = newButton(p.keys, lang.L("New token"), theme.ContentAddIcon(), func() { p.to.newToken() })
	e.root = container.NewStack(card(container.NewCenter(wide(480, inset(gapLarge, gapLarge, 0, 0, column(gap,
		container.NewCenter(newIcon(theme.HistoryIcon(), emptyIcon)), head, container.NewCenter(e.words), e.curlBox, container.NewCenter(row(gapSmall, e.add, e.token))))))))
	e.root.Hide()
	return e
}

func newSurfaceBox(o fyne.CanvasObject) *fyne.Container {
	return container.NewStack(newSurface(theme.ColorNameInputBackground, theme.ColorNameSeparator, radiusSmall, gapSmall, o))
}

// draw says what is next with the services there are.
func (e *emptyPart) draw(v backend.View) {
	own := v.HasOwn()
	curl := v.Curl()
	words := lang.L("Add the API that your workflows call. They get a token in place of its key.")
	switch {
	case own:
		words = lang.L("Give a workflow platform a token. Its calls are seen here as they come.")
	case curl != "":
		words = lang.L("Try a call in a terminal, or add the API that your workflows call.")
	}
	e.words.set(words, "")
	e.curl.set(curl, "")
	e.curlBox.Hidden = curl == ""
	e.token.Hidden = !own
	e.add.Hidden = own
}

package ui

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

// trial is the part that tries the service before it is saved.
func (s *serviceForm) trial() fyne.CanvasObject {
	s.method = newChoice(s.keys, []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}, nil)
	s.method.SetSelected(http.MethodGet)
	s.path = newEntry(s.keys)
	s.path.SetPlaceHolder("/")
	s.path.SetText("/")
	s.path.OnSubmitted = func(string) { s.try() }
	s.test = newButton(s.keys, lang.L("Test"), theme.MediaPlayIcon(), s.try)
	s.result = plain("").flexible()
	s.result.Hide()
	line := container.NewBorder(nil, nil, wide(110, frame(s.method)), s.test, s.path)
	for _, w := range []*func(){&s.method.focused, &s.path.focused, &s.test.focused} {
		*w = func() { revealInto(s.scroll, line) }
	}
	return group(lang.L("Test"), lang.L("One call with what is filled in, saved or not."),
		container.NewBorder(nil, nil, blankWidth(labelWidth), nil, atMost(fieldWidth, column(gapSmall, line, pickable(s.keys, s.result)))))
}

// try makes one call with what is filled in.
func (s *serviceForm) try() {
	if s.test.Disabled() {
		return
	}
	f := s.value()
	if bad := s.backend.Check(s.old, f); len(bad) > 0 {
		s.all = true
		s.refuse(bad)
		return
	}
	method, path := s.method.Selected, s.path.Text
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	s.test.Disable()
	s.result.Show()
	s.tried++
	mine := s.tried
	s.result.set(method+" "+path+" …", colorMuted)
	s.scroll.Content.Refresh()
	var res backend.TestResult
	s.loop.run(fmt.Sprintf(lang.L("Testing %s…"), f.Name), func(ctx context.Context) (err error) {
		res, err = s.backend.Test(ctx, s.old, f, backend.Trial{Method: method, Path: path})
		return err
	}, func(err error) {
		s.test.Enable()
		if mine != s.tried { // it was about something else
			s.result.set("", "")
			return
		}
		text, color := outcome(res, err)
		if err == nil && res.ContentType != "" {
			text += " · " + res.ContentType
		}
		s.result.set(text, color)
		if s.tested != nil {
			s.tested(mendTrial(res.Status, err))
		}
	})
}

// mendTrial is what a call that tried a service has shown, and what mends it.
func mendTrial(status int, err error) (mark, string) {
	switch {
	case err != nil:
		return markFailed, lang.L("No answer came, and the line above says why. Look at the base URL for a slip of the pen.")
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return markFailed, lang.L("The API does not take the key. Copy it anew, and see how the API wants it: as a bearer token, as a password or in a header.")
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		return markWarning, lang.L("The API is there, but has nothing at this path. Try one that its documentation names.")
	case status >= 500 || status == http.StatusTooManyRequests:
		return markWarning, lang.L("The API is there, but has trouble of its own. Try again in a while.")
	case status >= 400:
		return markWarning, lang.L("The API is there, but wants another call than this. Try one that its documentation names.")
	case status >= 300:
		return markWarning, lang.L("The API leads elsewhere. Its address may be another one.")
	}
	return markGood, lang.L("It works: the API took the call.")
}

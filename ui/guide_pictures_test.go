//go:build desktop

package ui

import (
	"sync/atomic"
	"testing"

	"fyne.io/fyne/v2/test"
)

func TestGuidePictures(t *testing.T) {
	var status atomic.Int32
	up := keyed(t, &status)
	s := guided(t)
	s.picture("guide-api")
	s.tour.takeDemo("demo")
	s.picture("guide-demo-key")
	s.tour.show(stepAPI)
	s.tour.choose(s.tour.picker.all["shopify"].preset, "")
	s.picture("guide-key-blanks")
	s.tour.show(stepAPI)
	s.tour.choose(s.tour.picker.all["github"].preset, "")
	f := s.tour.form
	f.baseURL.SetText(up.URL)
	f.keyFields["key/token"].entry.SetText("wrong")
	s.picture("guide-key-preset")
	f.onward()
	test.Tap(f.test)
	s.until("the test has failed", f.after.root.Visible)
	s.picture("guide-test-preset-failed")
	s.tour.show(stepAPI)
	s.tour.choose(nil, "")
	f = s.tour.form
	s.picture("guide-key-other")
	f.name.SetText("shop")
	f.baseURL.SetText(up.URL)
	f.keyFields["token"].entry.SetText("wrong")
	f.onward()
	s.picture("guide-test")
	test.Tap(f.test)
	s.until("the test has failed", f.after.root.Visible)
	s.picture("guide-test-failed")
	s.tour.show(stepKey)
	f.keyFields["token"].entry.SetText(canary)
	f.onward()
	test.Tap(f.test)
	s.until("the test went well", func() bool { return f.after.shown.mark == markGood })
	s.picture("guide-test-good")
	s.tour.skip()
	s.picture("guide-asks")
	s.tour.ask.clear()
	f.onward()
	s.until("it is saved", func() bool { return s.tour.step == stepToken })
	s.picture("guide-token")
	test.Tap(s.tour.maker.save)
	s.until("the token", s.tour.maker.made.Visible)
	s.picture("guide-kit")
	s.firstCall("/s/shop/orders")
	s.picture("guide-done")
	s.tour.finish()
	s.window.open(pageServices)
	s.services.open("")
	s.picture("guide-skipped")
}

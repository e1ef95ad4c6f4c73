//go:build desktop

package ui

import (
	"testing"

	"lockbox/ui/update"
)

func TestCitizenPictures(t *testing.T) {
	s := open(t, testConfig)
	s.window.open(pageSettings)
	s.window.settings.update.want.Checked = true
	s.manners.now.Updates = true
	s.window.settings.update.offer(update.Release{Version: "v1.4.0", Page: "https://example.com/"})
	s.settle()
	s.whole("citizen-settings")
	s.picture("citizen-update")
	scroll := s.window.settings.scroll
	scroll.ScrollToBottom()
	scroll.Offset.Y -= 300
	scroll.Refresh()
	s.picture("citizen-switches")
}

package ui

import (
	"fmt"

	"fyne.io/fyne/v2/lang"

	"lockbox/ui/backend"
)

// showSurvey shows how much the words choose, and when.
func (p *auditPage) showSurvey(matches int64, buckets []backend.Bucket) {
	p.matches = matches
	p.timeline.set(buckets)
	p.showTally()
}

func (p *auditPage) showTally() {
	all := thousands(int64(p.view.Exchanges))
	switch {
	case p.bar.words == "":
		p.tally.set(fmt.Sprintf(lang.L("%s on record"), counted(int64(p.view.Exchanges), "call")), "")
	case p.matches < 0:
		p.tally.set(fmt.Sprintf(lang.L("… of %s calls"), all), "")
	case p.view.Unsearched > 0:
		p.tally.set(fmt.Sprintf(lang.L("%s of %s calls, %s still to be searched"), thousands(p.matches), all, thousands(int64(p.view.Unsearched))), "")
	default:
		p.tally.set(fmt.Sprintf(lang.L("%s of %s calls"), thousands(p.matches), all), "")
	}
}

func (p *auditPage) showEmpty() {
	p.empty.Hidden = len(p.feed.calls) > 0 || p.seen < 0
	p.strip.Hidden = p.view.Exchanges == 0
	text, about := lang.L("No calls yet"), lang.L("Every call through Lockbox shows up here, those that it refuses too.")
	if p.bar.words != "" {
		text, about = lang.L("No call is like that"), lang.L("New ones that are show up here as they come.")
		if n := p.view.Unsearched; n > 0 {
			text, about = lang.L("None found yet"), fmt.Sprintf(lang.L("%s are still to be searched. What is found shows up here."), counted(int64(n), "call"))
		}
	}
	p.none.set(text, "")
	p.about.set(about, "")
	curl := p.view.Curl()
	p.curl.set(curl, "")
	p.curlBox.Hidden = curl == "" || p.bar.words != ""
	p.unsearch.Hidden = p.bar.words == ""
	p.add.Hidden = p.bar.words != "" || p.view.HasOwn()
	p.token.Hidden = p.bar.words != "" || !p.view.HasOwn()
}

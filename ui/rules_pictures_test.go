//go:build desktop

package ui

import (
	"fmt"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"

	"lockbox/proxy/audit"
)

func TestRulesPictures(t *testing.T) {
	var calls []audit.Exchange
	for i := range 60 {
		path, method := fmt.Sprintf("/s/github/repos/acme/box/issues/%d", 100+i), "GET"
		switch {
		case i%7 == 0:
			path, method = "/s/github/repos/acme/box/issues", "POST"
		case i%5 == 0:
			path = "/s/github/user"
		case i%11 == 0:
			method = "DELETE"
		}
		calls = append(calls, audit.Exchange{Time: time.Now().Add(time.Duration(i-100) * time.Minute), Service: "github", Method: method, Path: path, Status: 200, Decision: audit.Allowed, Audience: "zapier"})
	}
	s := openWith(t, testConfig, calls)
	s.control("github")
	s.rules.use(mustParse(t, `[
		{"action": "deny", "path": "/admin/**", "note": "Ask Anna."},
		{"action": "allow", "methods": ["GET", "HEAD"], "path": "/repos/**"},
		{"action": "ask", "methods": ["POST"], "path": "/repos/*/*/issues", "for": ["zapier"], "content_type": ["application/json"], "max_body": 65536},
	]`))
	s.rules.try.path.SetText("/repos/acme/box/issues/17?page=2")
	test.Tap(&s.rules.past.replay.Button)
	s.settle()
	s.whole("rules-tried")
	test.Tap(&s.rules.past.learn.Button)
	s.settle()
	s.rules.rows.rows[1].path.SetText("repos")
	s.whole("rules-proposed")
	s.rules.scroll.ScrollToBottom()
	s.rules.more.all.boxes[0].SetText("60")
	s.rules.more.all.boxes[4].SetText("many")
	s.rules.more.once.SetChecked(true)
	s.picture("rules-limits")
	s.rules.use(mustParse(t, `[{"action": "allow"}]`))
	test.Tap(&s.rules.asText.Button)
	s.picture("rules-text")
}

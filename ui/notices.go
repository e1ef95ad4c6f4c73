package ui

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"fyne.io/fyne/v2/lang"
)

const (
	// gatherTime is how long others of a kind are waited for before one is shown.
	gatherTime = 3 * time.Second
	// quietTime is between two of a kind.
	quietTime = 15 * time.Second
	// sameTime is between two that say the same.
	sameTime = time.Minute
	// saidMost bounds what is remembered of them.
	saidMost = 200
	// namedFew is how many of those that come together are named.
	namedFew = 3
)

// noticeKind is what a notification is about, as it is kept.
type noticeKind string

const (
	noticeApproval noticeKind = "approval"
	noticeKeys     noticeKind = "keys"
	noticeFailing  noticeKind = "failing"
	noticeTunnel   noticeKind = "tunnel"
	noticeLeak     noticeKind = "leak"
	noticeDrift    noticeKind = "drift"
	noticeLockout  noticeKind = "lockout"
	noticeUsage    noticeKind = "usage"
	noticeToken    noticeKind = "token"
	noticeUpdate   noticeKind = "update"
)

// noticeKinds are all there are, as the settings list them.
func noticeKinds() []noticeKind {
	return []noticeKind{noticeApproval, noticeKeys, noticeFailing, noticeTunnel, noticeLeak, noticeDrift, noticeLockout, noticeUsage, noticeToken, noticeUpdate}
}

// label is what the settings call a kind.
func (k noticeKind) label() string {
	switch k {
	case noticeApproval:
		return lang.L("Calls that wait for an answer")
	case noticeKeys:
		return lang.L("Keys that cannot be reached")
	case noticeFailing:
		return lang.L("Services that fail")
	case noticeTunnel:
		return lang.L("The tunnel")
	case noticeLeak:
		return lang.L("Keys in answers")
	case noticeDrift:
		return lang.L("Tokens used in a new way")
	case noticeLockout:
		return lang.L("Addresses that are locked out")
	case noticeUsage:
		return lang.L("The tunnel's month")
	case noticeToken:
		return lang.L("Copied tokens")
	}
	return lang.L("New versions")
}

// several is the title of so many of a kind that come together.
func (k noticeKind) several(n int) string {
	switch k {
	case noticeApproval:
		return fmt.Sprintf(lang.L("%d calls wait for your answer"), n)
	case noticeFailing:
		return fmt.Sprintf(lang.L("%d services fail"), n)
	case noticeLeak:
		return fmt.Sprintf(lang.L("%d services sent their keys back"), n)
	case noticeDrift:
		return fmt.Sprintf(lang.L("%d tokens are used in a new way"), n)
	}
	return fmt.Sprintf(lang.L("%d notices: %s"), n, strings.ToLower(k.label()))
}

// gather is how long others of a kind are waited for: not at all where a person waits.
func (k noticeKind) gather() time.Duration {
	if k == noticeApproval || k == noticeToken {
		return 0
	}
	return gatherTime
}

// quiet is between two of a kind. A token is copied by the person.
func (k noticeKind) quiet() time.Duration {
	if k == noticeToken {
		return time.Second
	}
	return quietTime
}

// told is one that was not shown yet.
type told struct{ title, text string }

// gathering are those of a kind that wait.
type gathering struct {
	few     []told
	count   int
	waiting bool
	next    time.Time // none is shown before
}

// notices is the one place that shows notifications, not more than a person can read.
type notices struct {
	loop  *loop
	muted func(noticeKind) bool
	send  func(title, text string) // may block
	kinds map[noticeKind]*gathering
	said  map[told]time.Time
}

func newNotices(l *loop, muted func(noticeKind) bool, send func(title, text string)) *notices {
	return &notices{loop: l, muted: muted, send: send, kinds: map[noticeKind]*gathering{}, said: map[told]time.Time{}}
}

// post has one shown, in a moment.
func (n *notices) post(kind noticeKind, title, text string) {
	one := told{title, text}
	if n.muted(kind) || n.repeats(one) {
		return
	}
	g := n.kinds[kind]
	if g == nil {
		g = &gathering{}
		n.kinds[kind] = g
	}
	if g.count++; len(g.few) < namedFew {
		g.few = append(g.few, one)
	}
	if g.waiting {
		return
	}
	g.waiting = true
	wait := max(kind.gather(), time.Until(g.next))
	n.loop.run("", func(ctx context.Context) error {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		return ctx.Err()
	}, func(err error) {
		if err == nil {
			n.show(kind, g)
		}
	})
}

// repeats reports whether the same was said a moment ago, and notes it.
func (n *notices) repeats(one told) bool {
	now := time.Now()
	if at, ok := n.said[one]; ok && now.Sub(at) < sameTime {
		return true
	}
	if len(n.said) >= saidMost {
		maps.DeleteFunc(n.said, func(_ told, at time.Time) bool { return now.Sub(at) >= sameTime })
	}
	if len(n.said) < saidMost {
		n.said[one] = now
	}
	return false
}

// show shows what came together as one.
func (n *notices) show(kind noticeKind, g *gathering) {
	title, text := g.few[0].title, g.few[0].text
	if g.count > 1 {
		titles := make([]string, len(g.few))
		for i, one := range g.few {
			titles[i] = one.title
		}
		title, text = kind.several(g.count), strings.Join(titles, "\n")
		if more := g.count - len(g.few); more > 0 {
			text += "\n" + fmt.Sprintf(lang.L("and %d more"), more)
		}
	}
	*g = gathering{next: time.Now().Add(kind.quiet())}
	if n.muted(kind) { // meanwhile
		return
	}
	n.loop.run("", func(context.Context) error { n.send(title, text); return nil }, nil)
}

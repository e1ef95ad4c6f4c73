package ui

import (
	"time"

	"fyne.io/fyne/v2/lang"

	"lockbox/ui/backend"
)

// paths are the ways from the Overview to the pages that have more.
type paths struct {
	page     func(int)
	service  func(name string)
	token    func(id string)
	tokens   func(state string)
	calls    func(words string)
	between  func(since, until time.Time)
	add      func()
	newToken func()

	vaultTold func() bool // the banner speaks of the vault
}

func (w *window) paths() paths {
	return paths{
		page:    w.open,
		service: w.showService,
		token:   w.showToken,
		tokens: func(state string) {
			w.open(pageTokens)
			w.tokens.state.SetSelected(state)
		},
		calls: func(words string) {
			w.open(pageAudit)
			w.audit.bar.set(words)
		},
		between: func(since, until time.Time) {
			w.open(pageAudit)
			w.audit.bar.set("")
			w.audit.zoom(since, until)
		},
		add:       w.create,
		newToken:  func() { w.newToken("") },
		vaultTold: w.banner.keychain.root.Visible,
	}
}

// concernOpens is where something is mended.
func (p *overviewPage) concernOpens(c backend.Concern) func() {
	switch c.Kind {
	case backend.ConcernLeak:
		return func() { p.to.calls(backend.Term{Word: "service", Value: c.Service}.String() + " leak_guard") }
	case backend.ConcernFailing:
		return func() { p.to.calls(backend.Term{Word: "service", Value: c.Service}.String() + " status:5xx since:1h") }
	case backend.ConcernBroken, backend.ConcernCredential, backend.ConcernKeyRefused:
		return func() { p.to.service(c.Service) }
	case backend.ConcernPaused, backend.ConcernExpired, backend.ConcernExpires, backend.ConcernDrift:
		return func() { p.to.token(c.Token.ID) }
	case backend.ConcernLimit:
		if c.Token.Service != "" {
			return func() { p.to.token(c.Token.ID) }
		}
		return func() { p.to.service(c.Service) }
	case backend.ConcernGap:
		return func() { p.to.between(c.At.Add(-time.Minute), c.At.Add(time.Minute)) }
	}
	return p.leadOfKind(c.Kind)
}

// leadOfKind is where all of a kind are seen.
func (p *overviewPage) leadOfKind(k backend.ConcernKind) func() {
	switch k {
	case backend.ConcernPaused, backend.ConcernDrift:
		return func() { p.to.tokens(lang.L(newTokens)) }
	case backend.ConcernExpires:
		return func() { p.to.tokens(lang.L(soonTokens)) }
	case backend.ConcernExpired:
		return func() { p.to.tokens(lang.L(endedTokens)) }
	case backend.ConcernQuestions:
		return func() { p.to.page(pageApprovals) }
	case backend.ConcernTunnelLost, backend.ConcernUsage, backend.ConcernLockouts:
		return func() { p.to.page(pageTunnel) }
	case backend.ConcernVault, backend.ConcernWarnings:
		return func() { p.to.page(pageSettings) }
	case backend.ConcernFailing:
		return func() { p.to.calls("status:5xx since:1h") }
	case backend.ConcernLeak:
		return func() { p.to.calls("leak_guard") }
	}
	return func() { p.to.page(pageServices) }
}

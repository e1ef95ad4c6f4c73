package ui

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

// The pages, as Ctrl and their number open them.
const (
	pageOverview = iota
	pageServices
	pageTokens
	pageAudit
	pageApprovals
	pageTunnel
	pageSettings
)

// window is the one window: navigation, banner, a page, the status line.
type window struct {
	*face
	root      fyne.CanvasObject
	nav       *nav
	banner    *banner
	status    *statusLine
	stack     *fyne.Container
	overview  *overviewPage
	services  *servicesPage
	tokens    *tokensPage
	audit     *auditPage
	tunnel    *tunnelPage
	alerts    *alerts
	visible   bool // the window is, on the real screen
	failures  *failures
	settings  *settingsPage
	asker     *asker
	approvals *approvalsPage
	picker    *picker      // while the API of a new service is chosen, and behind its form
	form      *serviceForm // while one is open
	rules     *rulesPage   // likewise, in its place
	tour      *guidePage   // likewise: it leads through a first service
	palette   *commandPalette
	undo      *undoBar
	intake    *intake
	kept      *keptWindow
	quit      func() // ends the program; nil where the desktop does
	page      int
	chosen    bool // the page was: it is not the one of the start any more
}

// newWindow fills w and follows the backend until the loop ends.
func newWindow(a fyne.App, w fyne.Window, b *backend.Backend, l *loop) *window {
	f := &face{backend: b, loop: l, keys: &hotkeys{}, app: a, window: w}
	win := &window{face: f, page: -1}
	win.status = newStatusLine(f)
	f.say = win.status.say
	l.onBusy, l.onDone = win.status.working, win.status.marker.Refresh
	win.banner = newBanner(f)
	f.manners = newManners(f)
	f.notices = newNotices(l, f.manners.muted, func(title, text string) { a.SendNotification(fyne.NewNotification(title, text)) })
	f.askPassphrase = func() { win.raise(); win.banner.unlocker.ask() }
	win.overview = newOverviewPage(f)
	win.services, win.tokens, win.audit, win.settings = newServicesPage(f), newTokensPage(f), newAuditPage(f), newSettingsPage(f)
	win.tunnel = newTunnelPage(f)
	win.alerts = newAlerts(f)
	win.failures = newFailures(f, win.overview.concernWords)
	win.asker = newAsker(f)
	win.palette, win.undo, win.intake, win.kept = newPalette(win), newUndoBar(f), newIntake(f), newKeptWindow(f)
	win.approvals = newApprovalsPage(f, win.asker)
	win.services.create, win.services.edit, win.services.copyOf, win.services.calls, win.services.control = win.create, win.edit, win.duplicate, win.calls, win.control
	win.overview.to, win.audit.to = win.paths(), win.paths()
	win.approvals.toServices = func() { win.open(pageServices) }
	win.services.guide, win.settings.guide = win.guide, win.guide
	win.services.removed = func(d *backend.Deleted) {
		win.undo.offer(d)
		if win.page == pageServices {
			f.focus(win.services.list)
		}
	}
	win.undo.back = func(name string) {
		win.services.draw(b.View())
		if win.page == pageServices && win.onList() && win.picker == nil {
			win.showService(name)
		}
	}
	win.nav = newNav(
		newNavItem(lang.L("Overview"), theme.HomeIcon(), func() { win.open(pageOverview) }),
		newNavItem(lang.L("Services"), theme.StorageIcon(), win.openServices),
		newNavItem(lang.L("Tokens"), theme.AccountIcon(), func() { win.open(pageTokens) }),
		newNavItem(lang.L("Audit log"), theme.HistoryIcon(), func() { win.open(pageAudit) }),
		newNavItem(lang.L("Approvals"), theme.QuestionIcon(), func() { win.open(pageApprovals) }),
		newNavItem(lang.L("Tunnel"), theme.UploadIcon(), func() { win.open(pageTunnel) }),
		newNavItem(lang.L("Settings"), theme.SettingsIcon(), func() { win.open(pageSettings) }),
	)
	win.stack = container.NewStack()
	page := container.NewBorder(column(0, win.banner.root, win.settings.update.bar, win.intake.root, win.undo.root), nil, nil, nil, inset(gapLarge, gap+4, pageMargin, pageMargin, win.stack))
	win.root = container.NewStack(container.New(edges{}, win.nav.root, page, win.status.root), win.kept.watch())
	win.bindKeys()
	w.SetPadded(false)
	w.SetContent(win.root)
	w.Resize(win.kept.size())
	win.open(win.kept.page(pageOverview))
	win.chosen = win.page != pageOverview
	win.intake.restore = func(path string) { win.open(pageSettings); win.settings.backup.begin(path, false) }
	win.keys.escape = win.intake.escape
	win.intake.listen(w)
	return win
}

// search leads to the page's search box.
func (w *window) search() {
	switch {
	case w.page == pageServices && w.tour != nil:
		w.tour.search()
	case w.page == pageServices && w.form == nil && w.picker != nil:
		w.focus(w.picker.search)
	case w.page == pageServices && w.onList():
		w.focus(w.services.search)
	case w.page == pageTokens:
		w.focus(w.tokens.search)
	case w.page == pageAudit:
		w.focus(w.audit.bar.box)
	}
}

// submit does what the page's form is for.
func (w *window) submit() {
	switch {
	case w.tour != nil && w.page == pageServices:
		w.tour.onward()
	case w.form != nil && w.page == pageServices:
		w.form.submit()
	case w.rules != nil && w.page == pageServices:
		w.rules.submit()
	case w.page == pageTunnel:
		w.tunnel.submit()
	case w.page == pageSettings:
		w.settings.submit()
	case w.page == pageAudit && w.audit.detail.again.root.Visible():
		w.audit.detail.again.submit()
	}
}

// open shows a page. A form that was begun waits on the Services page.
func (w *window) open(page int) {
	w.page, w.chosen = page, true
	w.overview.shown, w.audit.shown, w.tokens.shown, w.approvals.shown = page == pageOverview, page == pageAudit, page == pageTokens, page == pageApprovals
	w.kept.shown(page)
	w.nav.show(page)
	w.face.window.Canvas().Unfocus()
	switch page {
	case pageOverview:
		w.show(w.overview.root, w.overview.key)
		w.overview.draw(w.backend.View())
	case pageTokens:
		w.show(w.tokens.root, w.tokens.key)
		w.tokens.open()
	case pageAudit:
		w.show(w.audit.root, w.audit.key)
		w.audit.open()
	case pageTunnel:
		w.show(w.tunnel.root, w.tunnel.key)
		w.tunnel.open()
	case pageSettings:
		w.show(w.settings.root, w.settings.key)
		w.settings.start.open()
	case pageApprovals:
		w.show(w.approvals.root, w.approvals.key)
		w.approvals.open()
	default:
		if w.tour != nil {
			w.show(w.tour.root, w.tour.key)
			w.focus(w.tour.begin())
			return
		}
		if w.form != nil {
			w.show(w.form.root, w.form.key)
			w.focus(w.form.begin())
			return
		}
		if w.picker != nil {
			w.show(w.picker.root, w.picker.key)
			w.focus(w.picker.search)
			return
		}
		if w.rules != nil {
			w.show(w.rules.root, w.rules.key)
			return
		}
		w.show(w.services.root, w.services.key)
	}
}

func (w *window) show(page fyne.CanvasObject, keys func(fyne.KeyName) bool) {
	w.keys.page, w.face.shown = keys, page
	w.stack.Objects = []fyne.CanvasObject{page}
	w.stack.Refresh()
}

// calls shows a service's part of the audit log.
func (w *window) calls(name string) {
	w.open(pageAudit)
	w.audit.showService(name)
}

// newToken opens the form of a new token, "" for a service yet to be chosen.
func (w *window) newToken(service string) {
	w.open(pageTokens)
	w.tokens.make(service, "")
}

// refresh reads everything anew.
func (w *window) refresh() {
	w.reload()
	if w.page == pageAudit {
		w.audit.restart()
	}
}

// draw shows a new View.
func (w *window) draw(v backend.View) {
	w.face.view = v
	w.begin(v)
	w.status.draw(v)
	w.banner.draw(v)
	w.overview.draw(v)
	w.services.draw(v)
	w.tokens.draw(v)
	w.audit.draw(v)
	w.tunnel.draw(v)
	w.alerts.draw(v)
	w.asker.draw(v)
	w.nav.count(pageApprovals, v.Questions)
	w.settings.draw(v)
	w.undo.draw(v)
	if w.form != nil {
		if v.Locked {
			w.form.conceal()
		}
		w.form.check()
	}
	if w.tour != nil {
		w.tour.draw(v)
	}
}

// begin leads from the Overview to the Services once it is known that none of them
// is the person's own, and at the very first start through a first one, unless the
// person has gone elsewhere by then.
func (w *window) begin(v backend.View) {
	if w.chosen || v.Phase == backend.Starting {
		return
	}
	w.chosen = true
	switch {
	case v.HasOwn():
	case v.FirstRun:
		w.guide()
	default:
		w.open(pageServices)
	}
}

// leave calls quit when nothing is lost by it, or asks first.
func (w *window) leave(quit func()) {
	switch {
	case w.form != nil && w.form.dirty():
		w.raise()
		w.open(pageServices)
		w.form.abandon(quit)
	case w.tour != nil && w.tour.dirty():
		w.raise()
		w.open(pageServices)
		w.tour.abandon(quit)
	case w.rules != nil && w.rules.dirty():
		w.raise()
		w.open(pageServices)
		w.rules.abandon(quit)
	default:
		quit()
	}
}

// raise brings the window to the front.
func (w *window) raise() {
	w.visible = true
	w.tick()
	w.face.window.Show()
	w.face.window.RequestFocus()
}

// vanish leaves the tray icon alone.
func (w *window) vanish() {
	now := time.Now()
	w.visible, w.hiddenAt, w.copiedAt = false, now, now // there may be copied text in it
	w.face.window.Hide()
}

// tick keeps what is seen true as time goes by.
func (w *window) tick() {
	w.asker.draw(w.backend.View())
	if !w.visible {
		return
	}
	w.status.tick()
	w.tokens.tick()
	w.approvals.tick()
	w.overview.tick()
}

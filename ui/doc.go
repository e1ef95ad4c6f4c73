// Package ui is Lockbox's face on a desktop: the window, its pages and the tray.
// Pages read a backend.View and ask the backend to do things; what may take time
// runs in the loop's jobs, so that the window never waits for keychain, disk or
// network. Only files with the build tag !headless are linked against a display.
//
// Each text that a person reads is a key of Fyne's lang: see language.go. What the
// backend says is English, since the command line says the same.
//
// # Design
//
// A page is built of the parts below and brings no colour, size or corner of its own.
//
// Type has five sizes, all in look.Size: 21 bold for a page's title, 15 bold for a
// heading, 13 for text, bold where it is a row's name, 11.5 for captions, hints and
// the second line of a row. line.go has a func for each: title, heading, strong,
// plain, muted, caption. Addresses, tokens and what is typed in a terminal are in
// monospace; bodies of calls are so at 12 (sheet.go).
//
// Space is gapTight, gapSmall, gap or gapLarge: 2 between a label and its thing, 6
// between buttons, 12 between parts, 20 around what stands apart. Pages stand pageMargin
// from both sides. Corners are radiusLarge for what is on a page, radiusSmall for what
// is on that. A part is a card, a list of rows is tight; there are no shadows.
//
// Colour: slate, and teal as the one accent, for the primary button, of which a view
// has one, the page one is at, what is selected, the focus and links. Light and dark
// have the same names in theme.go and follow the system.
//
// State is a mark (marker.go), which is a shape and a colour, and has a word beside
// it: a disc is good, a ring is to be known, a triangle wants a look, a diamond was
// refused, a square failed, a hollow square is off or locked. The tray's icons differ
// by shape too (tray_icon.go). A service has an emblem: its API's where that is known.
//
// Messages go where the eye is, and none is a dialog that has to be closed; the
// system's file choosers are the exception:
//   - what is wrong with a field stands below it, in the place of its hint;
//   - what came of an action on a page is a strip on that page, with the next step as
//     a button, and stays until it is dismissed or overtaken;
//   - what keeps Lockbox from its work is in the banner, above all pages, and goes by
//     itself when it is mended;
//   - what was done, and wants no answer, is in the status line for messageTime;
//   - a notification is for what matters while the window is hidden; each has a kind
//     that the person can switch off (notices.go).
//
// What destroys asks first, in a strip, where it cannot be undone; else it is done at
// once and offered back (undo_bar.go).
//
// Progress: what may take longer than 300 ms says what goes on. loop.run has a label
// for what always does, loop.late for what seldom does, and both are in the status
// line; what can count its progress does so in a strip with Cancel. The label "" is
// for waits and for what is read anew behind the person's back. Buttons that would
// begin the same twice are disabled meanwhile.
//
// An empty list says why it is so and has the button that leads on (emptyBox): to the
// first thing where there is none, out of the search where that leaves none.
//
// Focus: the Tab key comes to all that can be clicked, from top to bottom, and a list
// is one stop with arrows inside. What has the keyboard has a ring (ringed, list.go)
// and is scrolled into view (revealInto). Enter does the primary thing, Esc steps back
// by one, and loses nothing that was typed without asking. Tiles and chips that hold
// no focus are moved through by the field that does.
//
// Motion: nothing moves for its own sake. Bars that show what is left of a time
// (fuse.go) step a few times a second, and only while they are seen.
//
// Texts are whole sentences with a stop in strips, phrases without one in rows and
// labels. They say what happened to which thing, and what to do; the person is "you",
// the program is "Lockbox". No exclamation, no apology, no code of an error without
// its meaning. A button is a verb and its object; it ends in "…" where more is asked.
//
// Values that one may want elsewhere can be selected: addresses, names, ids, what a
// strip says (pickable). Labels, headings and rows of lists cannot. What callers and
// upstreams sent goes through visible. A key or token is never text of the window but
// where it is shown on purpose, and leaves the clipboard by itself.
package ui

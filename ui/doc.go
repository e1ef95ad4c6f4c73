// Package ui is Lockbox's face on a desktop: the window, its pages and the tray.
// Pages read a backend.View and ask the backend to do things; what may take time
// runs in the loop's jobs, so that the window never waits for keychain, disk or
// network. Only run_desktop.go is linked against a display.
//
// Each text that a person reads is a key of Fyne's lang: see language.go. What the
// backend says is English, since the command line says the same.
//
// # Look
//
// Letters have four sizes, those of look.Size: 21 for a page's title, 15 for a
// heading, 13 for text and 11.5 for captions, chips and the status line. Beside
// them there are sheetSize, of text with many rows, and the letter of a badge.
//
// Things are gapSmall (6), gap (12) or gapLarge (20) apart; gapTight (2) brings
// together what is read as one, such as a caption and its value. Pages stand
// pageMargin from both sides. Corners have a radius of radiusSmall (6) on what can be
// clicked or typed in, of radiusLarge (8) on cards, and half the height on what is
// round at its ends. A part is a card, a list of rows is tight.
//
// The one accent is teal, ColorNamePrimary: the action that a page is for, what is
// chosen, and where the keyboard is. The colours of a state are told apart by shape
// as well, see mark:
//
//   - a disc, green: it works
//   - a ring, blue: it goes on, or is to be known
//   - a triangle, amber: it needs a look
//   - a diamond, amber: it was refused
//   - a square, red: it failed
//   - a hollow square, grey: it is off
//
// A word stands beside each. The tray's icons differ by shape likewise, see trayIcon,
// and a service has its emblem: that of its API where it is known, else its name's.
//
// Text has a contrast of 4.5 at least, which theme_test.go computes.
//
// # Telling the person
//
//   - A word below its field says what is wrong with what was typed.
//   - A strip on the page says what came of an action, or asks before one that
//     cannot be taken back; its buttons are the next steps.
//   - The banner above all pages is for what keeps Lockbox from its work.
//   - The status line says what goes on, once it takes progressAfter, and for
//     messageTime what was just done.
//   - A notification is for those who do not look at the window, by kind.
//   - A window of its own asks for approvals alone, since a call waits for them. Fyne's
//     dialogs choose files and nothing else.
//
// Each job of the loop has a label, but for those that wait, look again behind the
// person's back, or show how far they are in a strip with Cancel. What would begin the
// same twice is disabled meanwhile.
//
// A page with nothing to show says why, and has the button that leads on, see emptyBox:
// to the first thing where there is none, out of the search where that leaves none. An
// action that can be undone is done at once and offered back.
//
// # Focus, motion, words
//
// All that can be clicked can be reached by the Tab key, and shows that it was; Escape
// leaves, see hotkeys. Nothing moves on its own: there are no animations, see
// calmSettings.
//
// A text names the thing and the next step, in whole sentences without blame and
// without exclamation marks; a button is a verb; "…" ends what asks for more first.
//
// What one may want elsewhere can be selected, see pickable: addresses, names, ids and
// what a strip says. Labels, headings and rows cannot. What callers and upstreams sent
// goes through visible. A key or token is text only where it is shown on purpose.
package ui

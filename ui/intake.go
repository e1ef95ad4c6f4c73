package ui

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"

	"lockbox/ui/backend"
)

// intakeMost is how many files are looked at that are dropped at once.
const intakeMost = 20

// intake takes config files that are dropped on the window: it says what is in them
// and asks before anything is done.
type intake struct {
	*face
	root    *fyne.Container
	strip   *strip
	turn    int // an answer about files before these is dropped
	working bool
	restore func(path string) // begins to restore a backup
}

// offered is a file with what would be done with it.
type offered struct {
	path string
	plan backend.Imported
	err  error
}

func newIntake(f *face) *intake {
	n := &intake{face: f, strip: newStrip(f.keys)}
	n.root = inset(gap, 0, pageMargin, pageMargin, n.strip.root)
	n.root.Hide()
	return n
}

// listen takes what is dropped on a window.
func (n *intake) listen(w fyne.Window) {
	w.SetOnDropped(func(_ fyne.Position, items []fyne.URI) {
		var paths []string
		for _, u := range items {
			if u.Scheme() == "file" {
				paths = append(paths, u.Path())
			}
		}
		n.offer(paths)
	})
}

func (n *intake) close() {
	n.turn++
	n.strip.clear()
	n.root.Hide()
	n.root.Refresh()
}

// escape closes it, if there is something.
func (n *intake) escape() bool {
	shown := n.root.Visible()
	if shown {
		n.close()
	}
	return shown
}

func (n *intake) tell(m mark, title, text string, actions ...action) {
	n.strip.say(m, title, text, actions...)
	n.root.Show()
	n.root.Refresh()
}

// offer looks into files, and asks whether they are to be imported.
func (n *intake) offer(paths []string) {
	if n.working {
		return
	}
	n.turn++
	mine, shut := n.turn, action{label: lang.L("Close"), do: n.close}
	switch {
	case len(paths) == 0:
		n.tell(markInfo, lang.L("No file was dropped"), lang.L("Drop a config file, such as config.json."), shut)
		return
	case len(paths) > intakeMost:
		n.tell(markInfo, lang.L("These are too many files"), fmt.Sprintf(lang.L("Drop no more than %d at once."), intakeMost), shut)
		return
	case len(paths) == 1 && backend.IsBackup(paths[0]):
		n.close()
		n.restore(paths[0])
		return
	}
	var files []offered
	n.loop.run(lang.L("Looking into the files…"), func(ctx context.Context) error {
		for _, path := range paths {
			plan, err := n.backend.Import(ctx, backend.ImportRequest{File: path, DryRun: true})
			files = append(files, offered{path, plan, err})
		}
		return nil
	}, func(err error) {
		if err == nil && mine == n.turn {
			n.ask(files)
		}
	})
}

// ask says what is in the files.
func (n *intake) ask(files []offered) {
	var lines, take, replace []string
	for _, f := range files {
		var clash *backend.ClashError
		name := filepath.Base(f.path)
		switch {
		case errors.As(f.err, &clash):
			replace = append(replace, f.path)
			lines = append(lines, fmt.Sprintf(lang.L("%s: here already: %s."), name, few(clash.Names)))
		case f.err != nil:
			lines = append(lines, fmt.Sprintf(lang.L("%s cannot be imported. %s"), name, backend.Sentence(strings.TrimPrefix(f.err.Error(), f.path+":"))))
		case len(f.plan.Services) == 0:
			lines = append(lines, fmt.Sprintf(lang.L("%s: there is no service in it."), name))
		default:
			take = append(take, f.path)
			lines = append(lines, name+": "+n.words(f.plan))
		}
	}
	text, cancel := strings.Join(lines, "\n"), action{label: lang.L("Cancel"), do: n.close}
	all := append(append([]string{}, take...), replace...)
	switch {
	case len(all) == 0:
		n.tell(markFailed, lang.L("This is nothing to import"), text, action{label: lang.L("Close"), do: n.close})
	case len(take) == 0:
		n.tell(markWarning, lang.L("Replace the services that are here?"), text, action{label: lang.L("Replace"), do: func() { n.take(all, true) }}, cancel)
	case len(replace) > 0:
		n.tell(markWarning, lang.L("Import these services?"), text, action{label: lang.L("Import the others"), do: func() { n.take(take, false) }, first: true},
			action{label: lang.L("Import and replace"), do: func() { n.take(all, true) }}, cancel)
	default:
		n.tell(markInfo, lang.L("Import these services?"), text, action{label: lang.L("Import"), do: func() { n.take(take, false) }, first: true}, cancel)
		n.strip.focusFirst(n.window.Canvas())
		return
	}
	n.strip.focusLast(n.window.Canvas())
}

// words say what an import would do.
func (n *intake) words(p backend.Imported) string {
	var names []string
	keys := 0
	for _, s := range p.Services {
		names = append(names, s.Name)
		keys += len(s.Moved)
	}
	text := few(names) + "."
	if keys > 0 {
		text += " " + fmt.Sprintf(lang.L("Keys that go to %s: %d."), n.keeper(), keys)
	}
	if len(p.NotTaken) > 0 {
		text += " " + fmt.Sprintf(lang.L("Not taken over: %s."), few(p.NotTaken))
	}
	return text
}

// take imports files one after the other. One that fails changes nothing, and ends
// it.
func (n *intake) take(paths []string, replace bool) {
	if n.working {
		return
	}
	n.working = true
	n.close()
	services, left := 0, []string{}
	failed := ""
	n.loop.run(lang.L("Importing…"), func(ctx context.Context) error {
		for _, path := range paths {
			done, err := n.backend.Import(ctx, backend.ImportRequest{File: path, Replace: replace})
			if err != nil {
				failed = filepath.Base(path)
				return err
			}
			if services += len(done.Services); done.FileHasKeys {
				left = append(left, path)
			}
		}
		return nil
	}, func(err error) {
		n.working = false
		text := ""
		if len(left) > 0 {
			text = fmt.Sprintf(lang.L("These files still hold keys in plain text; remove them when all works: %s"), strings.Join(left, ", "))
		}
		shut := action{label: lang.L("Close"), do: n.close}
		if err != nil {
			n.tell(markFailed, fmt.Sprintf(lang.L("%s was not imported"), failed), strings.TrimSpace(backend.Sentence(err.Error())+"\n"+text), shut)
			return
		}
		n.tell(markGood, fmt.Sprintf(lang.L("Imported services: %d"), services), text, shut)
	})
}

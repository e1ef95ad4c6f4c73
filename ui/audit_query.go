package ui

import (
	"context"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

// typingTime is how long the search box waits for the next letter.
const typingTime = 250 * time.Millisecond

// queryBar is the search box of the audit log. Its words say all that the page
// is narrowed to: chips and timeline change the words.
type queryBar struct {
	*face
	root    *fyne.Container
	box     *entry
	clear   *button
	trouble *line
	bad     *fyne.Container
	words   string // in force: the last that could be read
	typed   int    // letters so far, to know whether another came
	changed func()
	done    func() // Enter
}

func newQueryBar(f *face, changed, done func()) *queryBar {
	b := &queryBar{face: f, changed: changed, done: done, box: newEntry(f.keys)}
	b.box.SetPlaceHolder(lang.L("Words of paths, headers and bodies, invo*, or status:5xx service:github since:1h"))
	b.box.Icon = theme.SearchIcon()
	b.box.OnChanged = func(string) { b.wait() }
	b.box.OnSubmitted = func(string) {
		if b.apply() {
			b.done()
		}
	}
	b.clear = newButton(f.keys, lang.L("Clear"), nil, func() { b.set("") }).quiet()
	b.clear.Hide()
	b.trouble = newLine("", theme.SizeNameCaptionText, theme.ColorNameError).flexible()
	b.bad = container.NewBorder(nil, nil, newMarker(markFailed), nil, inset(0, 0, gapSmall, 0, b.trouble))
	b.bad.Hide()
	b.root = column(4, container.NewBorder(nil, nil, nil, b.clear, b.box), b.bad)
	return b
}

// wait applies the words when no letter came for a while.
func (b *queryBar) wait() {
	b.typed++
	b.clear.Hidden = b.box.Text == ""
	b.root.Refresh()
	mine := b.typed
	b.loop.run("", func(ctx context.Context) error {
		select {
		case <-time.After(typingTime):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}, func(err error) {
		if err == nil && mine == b.typed {
			b.apply()
		}
	})
}

// apply puts the words in force, or says what is wrong with them.
func (b *queryBar) apply() bool {
	words := strings.TrimSpace(b.box.Text)
	_, err := backend.ParseQuery(words)
	b.bad.Hidden = err == nil
	if err != nil {
		b.trouble.set(backend.Sentence(visible(err.Error())), "")
		b.root.Refresh()
		return false
	}
	b.root.Refresh()
	if words != b.words {
		b.words = words
		b.changed()
	}
	return true
}

// set puts other words in the box and in force.
func (b *queryBar) set(words string) {
	b.box.SetText(words)
	b.box.CursorColumn = len([]rune(words))
	b.typed++ // what is waited for is done
	b.apply()
}

// query is what the words in force choose now: "since:1h" moves on.
func (b *queryBar) query() backend.Query {
	q, _ := backend.ParseQuery(b.words) // they could be read
	return q
}

// terms are the words in force.
func (b *queryBar) terms() []backend.Term {
	t, _ := backend.Terms(b.words)
	return t
}

// values are those that a filter has.
func (b *queryBar) values(word string) (out []string) {
	for _, t := range b.terms() {
		if t.Word == word {
			out = append(out, t.Value)
		}
	}
	return out
}

// word is the first that is looked for in the texts.
func (b *queryBar) word() string {
	if words := b.values(""); len(words) > 0 {
		return strings.TrimRight(words[0], "*")
	}
	return ""
}

// toggle adds a value to a filter, or takes it away.
func (b *queryBar) toggle(word, value string) {
	values := b.values(word)
	if i := slices.Index(values, value); i >= 0 {
		values = slices.Delete(values, i, i+1)
	} else {
		values = append(values, value)
	}
	b.replace(word, values...)
}

// replace gives a filter other values, where it stood or before the text.
func (b *queryBar) replace(word string, values ...string) {
	b.set(replaced(b.terms(), word, values...))
}

func replaced(terms []backend.Term, word string, values ...string) string {
	at := slices.IndexFunc(terms, func(t backend.Term) bool { return t.Word == word })
	if at < 0 {
		at = slices.IndexFunc(terms, func(t backend.Term) bool { return t.Word == "" })
	}
	if at < 0 {
		at = len(terms)
	}
	var out []string
	for i := 0; i <= len(terms); i++ {
		if i == at {
			for _, v := range values {
				out = append(out, backend.Term{Word: word, Value: v}.String())
			}
		}
		if i < len(terms) && terms[i].Word != word {
			out = append(out, terms[i].String())
		}
	}
	return strings.Join(out, " ")
}

// between narrows the words to a part of the time; zero times take that away.
func (b *queryBar) between(since, until time.Time) {
	terms, err := backend.Terms(replaced(b.terms(), "until"))
	if err != nil {
		return
	}
	if since.IsZero() {
		b.set(replaced(terms, "since"))
		return
	}
	layout := time.RFC3339
	if until.Sub(since) < time.Minute {
		layout = "2006-01-02T15:04:05.000Z07:00"
	} else if cut := until.Truncate(time.Second); cut.Before(until) {
		until = cut.Add(time.Second) // what is written down must not lose a call
	}
	words := replaced(terms, "since", since.Local().Format(layout))
	if terms, err = backend.Terms(words); err != nil {
		return
	}
	b.set(replaced(terms, "until", until.Local().Format(layout)))
}

package ui

import (
	"bytes"
	"fmt"
	"log"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
)

// The tests read English, whatever the computer they run on speaks.
func TestMain(m *testing.M) {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANGUAGE"} {
		_ = os.Unsetenv(name)
	}
	_ = os.Setenv("LANG", "C")
	if err := learn(); err != nil {
		log.Fatal(err)
	}
	os.Exit(m.Run())
}

// speak has a test go on in the language of a locale.
func speak(t *testing.T, locale string) {
	t.Helper()
	t.Cleanup(func() { _ = learn() }) // after the locale is back
	t.Setenv("LANG", locale)
	if err := learn(); err != nil {
		t.Fatal(err)
	}
}

// A person gets the language that was asked for, else English, and nothing is
// reported either way.
func TestLocales(t *testing.T) {
	german := germanTexts(t)
	for _, tt := range []struct{ locale, cancel string }{
		{"de_DE.UTF-8", "Abbrechen"}, {"de_AT", "Abbrechen"}, {"de", "Abbrechen"},
		{"en_GB.UTF-8", "Cancel"}, {"C", "Cancel"}, {"C.UTF-8", "Cancel"}, {"POSIX", "Cancel"}, {"", "Cancel"},
		{"fr_FR.UTF-8", "Cancel"}, {"pt_BR.UTF-8", "Cancel"}, {"pl_PL", "Cancel"}, {"zh_TW.UTF-8", "Cancel"},
		{"zh_CN", "Cancel"}, {"sr_RS", "Cancel"}, {"nb_NO.UTF-8", "Cancel"}, {"ja_JP", "Cancel"}, {"tlh", "Cancel"},
	} {
		t.Run(tt.locale, func(t *testing.T) {
			var reported bytes.Buffer
			log.SetOutput(&reported)
			defer log.SetOutput(os.Stderr)
			speak(t, tt.locale)
			if got := lang.L("Cancel"); got != tt.cancel {
				t.Errorf("Cancel is %q, want %q", got, tt.cancel)
			}
			one, many := "1 call", "21 calls"
			if tt.cancel != "Cancel" {
				one, many = "1 Aufruf", "21 Aufrufe"
			}
			if count(1, "call") != one || count(21, "call") != many {
				t.Errorf("%s, %s", count(1, "call"), count(21, "call"))
			}
			for _, k := range slices.Sorted(maps.Keys(german)) {
				if got := lang.L(k); tt.cancel == "Cancel" && got != k && got != map[string]string{"open it": "Open", "thousands separator": ",", "decimal point": "."}[k] {
					t.Errorf("%q is %q", k, got)
				}
			}
			if reported.Len() > 0 {
				t.Errorf("reported: %.400s", reported.String())
			}
		})
	}
}

// Numbers, days and spans are written as the language writes them.
func TestGermanNumbers(t *testing.T) {
	at := time.Date(2026, 3, 5, 14, 7, 9, 0, time.UTC)
	check := func(want ...string) {
		t.Helper()
		got := []string{thousands(1234567), decimal(1.5), stamp(at, "2 Jan 2006, 15:04"), stamp(at, "02 Jan 15:04"), stamp(at, "15:04"), ago(at, at.Add(2*time.Hour)), took(1500 * time.Millisecond)}
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	check("1,234,567", "1.5", "5 Mar 2026, 14:07", "05 Mar 14:07", "14:07", "2 h ago", "1.5 s")
	speak(t, "de_DE.UTF-8")
	check("1.234.567", "1,5", "5. März 2026, 14:07", "05. März 14:07", "14:07", "vor 2 h", "1,5 s")
}

// In German every place of the window speaks it, and nothing is cut that is not
// in English.
func TestGermanPlaces(t *testing.T) {
	english := cutPlaces(t, func(string, string) {})
	speak(t, "de_DE.UTF-8")
	german := germanTexts(t)
	seen := map[string]bool{}
	inGerman := cutPlaces(t, func(place, text string) {
		seen[text] = true
		if forms, ok := german[text]; ok && !slices.Contains(forms, text) && !slices.Contains(sameWords, text) {
			t.Errorf("%s: %q is in English", place, text)
		}
	})
	for place, cut := range inGerman {
		for what := range cut {
			if _, too := english[place][what]; !too {
				t.Errorf("%s: %s", place, cut[what])
			}
		}
	}
	for _, want := range []string{"Übersicht", "Dienste", "Protokoll", "Freigaben", "Einstellungen", "Neuer Dienst", "Token kopieren", "Läuft", "Gilt", "Abbrechen"} {
		if !seen[want] {
			t.Errorf("nothing says %q", want)
		}
	}
}

// sameWords are values of the config that are English keys as well.
var sameWords = []string{"network", "program", "hour", "audience", "denied", "refused"}

// cutPlaces opens every place and gives each text to f. What is cut is returned by
// the place and where it is in it.
func cutPlaces(t *testing.T, f func(place, text string)) map[string]map[string]string {
	t.Helper()
	out := map[string]map[string]string{}
	s := openWith(t, testConfig, manyCalls(50))
	for _, p := range places {
		p.open(s)
		s.win.Resize(fyne.NewSize(1180, 720)) // what is set since the last layout
		s.win.Resize(fyne.NewSize(1080, 720))
		cut, n := map[string]string{}, 0
		out[p.name] = cut
		walk(s.win.Content(), func(o fyne.CanvasObject) {
			n++
			where, text, need := fmt.Sprintf("%T %d", o, n), "", float32(0)
			switch x := o.(type) {
			case *line:
				text, need = x.text, fyne.MeasureText(x.text, theme.Size(x.size), x.style).Width
			case *button:
				text, need = x.Text, x.MinSize().Width
			case *check:
				text, need = x.Text, x.MinSize().Width
			case *choice:
				text = x.Selected
				for _, option := range append(x.Options, x.PlaceHolder) {
					f(p.name, option)
				}
				need = fyne.MeasureText(text, theme.TextSize(), fyne.TextStyle{}).Width + theme.IconInlineSize() + 2*theme.InnerPadding()
			case *entry:
				text = x.PlaceHolder
				need = fyne.MeasureText(text, theme.TextSize(), fyne.TextStyle{}).Width + 2*theme.InnerPadding()
			case *canvas.Text:
				text = x.Text
			case *fyne.Container:
				if has, need := o.Size().Width, x.MinSize().Width; has > 0 && need > has+1 {
					cut[where] = fmt.Sprintf("%q, which are together, are %v wide, in %v", saidIn(x), need, has)
				}
				return
			default:
				return
			}
			f(p.name, text)
			if has := o.Size().Width; has > 0 && need > has+1 && text != "" && !strings.HasPrefix(text, "http") {
				cut[where] = fmt.Sprintf("%q has %v of %v", text, has, need)
			}
		})
		leavePlace(s)
	}
	return out
}

// saidIn are the texts in something.
func saidIn(o fyne.CanvasObject) (all []string) {
	walk(o, func(o fyne.CanvasObject) {
		if x, ok := o.(*canvas.Text); ok && x.Text != "" {
			all = append(all, x.Text)
		}
	})
	return all
}

package ui

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"

	"lockbox/assets"
)

// The texts of the window, the tray and the notifications are keys of Fyne's lang,
// in English. assets/lang has a file for each other language; en.json has the
// nouns that are counted, and what is no text itself. What package backend says, problems and errors above
// all, is English everywhere: the command line and the log say the same.

// spoken are the languages that the window has.
var spoken = []string{"en", "de"}

func init() {
	if err := learn(); err != nil {
		fyne.LogError("The languages cannot be read", err)
	}
}

// learn reads the languages; the desktop's locale chooses one of them.
func learn() error {
	if err := lang.AddTranslationsFS(assets.Languages, "lang"); err != nil {
		return err
	}
	if foreign() {
		return speakEnglish()
	}
	return nil
}

// foreign reports whether the person has a language that the window has not.
func foreign() bool {
	has, _, _ := strings.Cut(lang.SystemLocale().LanguageString(), "-")
	for _, l := range spoken {
		if l == has {
			return false
		}
	}
	return true
}

// speakEnglish makes English the texts of the person's language: Fyne has texts
// of its own in many, and would report each of ours that is not among them.
func speakEnglish() error {
	texts, err := readLanguage("de")
	if err != nil {
		return err
	}
	english, err := readLanguage("en")
	if err != nil {
		return err
	}
	for key, text := range texts {
		forms, counted := text.(map[string]any)
		switch said := english[key].(type) {
		case string:
			texts[key] = said
		default:
			texts[key] = key
		}
		if counted { // what is one differs: see counted
			for _, form := range []string{"zero", "one", "two", "few", "many", "other"} {
				forms[form] = key
			}
			texts[key] = forms
		}
	}
	data, err := json.Marshal(texts)
	if err != nil {
		return err
	}
	// A language that lang cannot learn is none of Fyne's either: it speaks English.
	_ = lang.AddTranslationsForLocale(data, fyne.Locale(lang.SystemLocale().LanguageString()))
	return nil
}

func readLanguage(name string) (texts map[string]any, err error) {
	data, err := assets.Languages.ReadFile("lang/" + name + ".json")
	if err != nil {
		return nil, err
	}
	return texts, json.Unmarshal(data, &texts)
}

// count is a number with its noun. The key is the noun's plural.
func count(n int, noun string) string { return counted(int64(n), noun) }

func counted(n int64, noun string) string {
	many := noun + "s"
	word := lang.N(many, int(min(n, 1<<30)))
	if n == 1 && word == many { // see speakEnglish
		word = noun
	}
	return thousands(n) + " " + word
}

// thousands is a number with commas, or what the language has for them.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + lang.X("thousands separator", ",") + s[i:]
	}
	return s
}

// decimal is a number with one place after the point.
func decimal(x float64) string {
	return strings.Replace(strconv.FormatFloat(x, 'f', 1, 64), ".", lang.X("decimal point", "."), 1)
}

// stamp is a time as the language writes its day and month. The layout is one of
// package time's, with the day as 2 Jan.
func stamp(t time.Time, layout string) string {
	s := t.Format(strings.Replace(layout, "2 Jan", lang.L("2 Jan"), 1))
	if strings.Contains(layout, "Jan") {
		s = strings.Replace(s, t.Format("Jan"), month(t.Month()), 1)
	}
	return s
}

// month is the month's short name.
func month(m time.Month) string {
	return [...]string{lang.L("Jan"), lang.L("Feb"), lang.L("Mar"), lang.L("Apr"), lang.L("May"), lang.L("Jun"), lang.L("Jul"), lang.L("Aug"), lang.L("Sep"), lang.L("Oct"), lang.L("Nov"), lang.L("Dec")}[m-time.January]
}

package ui

import (
	"fmt"
	"strings"

	"fyne.io/fyne/v2/lang"

	"lockbox/ui/backend"
)

// driftChoices are what may become of a token that is used in a new way.
var driftChoices = []struct {
	label  string
	choice backend.DriftChoice
}{
	{"Do nothing, learn nothing", backend.DriftOff},
	{"Mark the call", backend.DriftMark},
	{"Mark it and notify me", backend.DriftNotify},
	{"Pause the token", backend.DriftPause},
}

func driftLabels() (out []string) {
	for _, c := range driftChoices {
		out = append(out, lang.L(c.label))
	}
	return out
}

func driftLabel(choice backend.DriftChoice) string {
	for _, c := range driftChoices {
		if c.choice == choice {
			return lang.L(c.label)
		}
	}
	return string(choice)
}

// driftChoice is what a label stands for.
func driftChoice(label string) backend.DriftChoice {
	for _, c := range driftChoices {
		if lang.L(c.label) == label {
			return c.choice
		}
	}
	return ""
}

// driftWords are what was new about the use of a call's token.
func driftWords(x backend.Exchange) string {
	return strings.NewReplacer(",", ", ", "network", lang.L("network"), "user_agent", lang.L("program"), "hour", lang.L("hour")).Replace(x.Drift)
}

// newUse names what was new about a token's last new use.
func newUse(t backend.TokenInfo) string {
	if len(t.Sights) == 0 {
		return ""
	}
	var names []string
	news := t.Sights[len(t.Sights)-1].News
	for _, n := range []struct {
		bit  backend.News
		name string
	}{{backend.NewNetwork, lang.L("network")}, {backend.NewAgent, lang.L("program")}, {backend.NewHour, lang.L("hour")}} {
		if news&n.bit != 0 {
			names = append(names, n.name)
		}
	}
	return fmt.Sprintf(lang.L("new %s"), strings.Join(names, ", "))
}

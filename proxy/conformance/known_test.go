//go:build linux

package conformance

import (
	"strings"
	"testing"
)

// known are the cases that fail, and why. One that fails no more has to leave,
// but for those that fail by chance.
var known = map[string]string{
	"both lengths/CL and TE":                                bothKnown,
	"both lengths/TE and CL":                                bothKnown,
	"both lengths/CL 0 and TE":                              bothKnown,
	"both lengths/request in the difference":                bothKnown,
	"refused bodies/no token, length, later":                bodyKnown,
	"refused bodies/bad token, length, later":               bodyKnown,
	"refused bodies/unknown service, length, later":         bodyKnown,
	"refused bodies/nothing there, length, later":           bodyKnown,
	"refused bodies/healthz, length, later":                 bodyKnown,
	"refused bodies/reload without a token, length, later":  bodyKnown,
	"refused bodies/bad path, length, later":                bodyKnown,
	"refused bodies/wrong host, length, later":              bodyKnown,
	"refused bodies/another site's page, length, later":     bodyKnown,
	"refused bodies/TRACE, length, later":                   bodyKnown,
	"refused bodies/refused by the upstream, length, later": duplexKnown,
}

const (
	byChance = "now and then: "

	duplexKnown = byChance + "after an early answer, with EnableFullDuplex, net/http's server reads the rest of the body in two places"
	bothKnown   = "net/http's server reads the body by its chunks, as it may, and keeps the connection, as it must not; a handler cannot tell"
	bodyKnown   = "net/http's server waits for up to 256 KB of the body, without a time limit, before it lets the refusal out; EnableFullDuplex would have it panic at the next request"
)

// judge fails a case for its problems, unless they are known.
func judge(t *testing.T, name string, problems []string) {
	t.Helper()
	why, isKnown := known[name]
	switch {
	case isKnown && len(problems) == 0 && strings.HasPrefix(why, byChance):
	case isKnown && len(problems) == 0:
		t.Errorf("%s: want it to fail (%s), got no failure: take it off the list of known ones", name, why)
	case isKnown:
		t.Logf("known: %s: %s", why, strings.Join(problems, "; "))
	default:
		for _, p := range problems {
			t.Errorf("%s: %s", name, p)
		}
	}
}

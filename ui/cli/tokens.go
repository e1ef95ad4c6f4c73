package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

	"lockbox/ui/backend"
)

type tokensCmd struct {
	List   tokensListCmd   `cmd:"" default:"withargs" help:"List the tokens that are out, the newest first; never the tokens themselves."`
	Revoke tokensRevokeCmd `cmd:"" help:"Revoke a token, or all of a service or an audience."`
	Resume tokensResumeCmd `cmd:"" help:"Say that the new use of a token was yours: it is paused no more."`
}

type tokensListCmd struct {
	Service  string `placeholder:"NAME" help:"Of this service only."`
	Audience string `placeholder:"WHO" help:"With this audience only."`
	All      bool   `help:"Those that expired or were revoked too."`
	JSON     bool   `name:"json" help:"As JSON."`
	place
}

// tokenLine is a token as --json prints it.
type tokenLine struct {
	ID       string    `json:"id"`
	Kind     string    `json:"kind"`
	Label    string    `json:"label,omitempty"`
	Service  string    `json:"service"`
	Audience []string  `json:"audience"`
	Made     time.Time `json:"made"`
	Expires  time.Time `json:"expires"`
	LastUsed time.Time `json:"last_used,omitzero"`
	Calls    uint64    `json:"calls"`
	Revoked  time.Time `json:"revoked,omitzero"`
	State    string    `json:"state"`
	New      []newUse  `json:"new,omitempty"`
}

// newUse is a call with something new about it that nobody has accepted.
type newUse struct {
	Time      time.Time `json:"time"`
	What      string    `json:"what"`
	Network   string    `json:"network,omitempty"`
	UserAgent string    `json:"user_agent,omitempty"`
}

// Run prints the list.
func (c tokensListCmd) Run(t Terminal) error {
	list, err := backend.OpenTokens(c.options(t))
	if err != nil {
		return err
	}
	now := time.Now()
	lines := []tokenLine{}
	news := map[string]string{}
	for _, i := range list.List() {
		if c.Service != "" && i.Service != c.Service || c.Audience != "" && !slices.Contains(i.Audience, c.Audience) || !c.All && !i.Live(now) {
			continue
		}
		if n := len(i.Sights); n > 0 && i.Live(now) {
			last := i.Sights[n-1]
			news[i.ID] = date(last.At) + " " + last.Words()
		}
		lines = append(lines, tokenLine{i.ID, string(i.Kind), i.Label, i.Service, i.Audience, i.Made, i.Expires, i.LastUsed, i.Calls, i.Revoked, tokenState(i, now), newUses(i)})
	}
	if c.JSON {
		text, err := json.MarshalIndent(lines, "", "  ")
		if err != nil {
			return err
		}
		return t.answer("%s", text)
	}
	if len(lines) == 0 {
		t.say("No tokens are out. lockbox token makes one.")
		return nil
	}
	w := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "ID\tSERVICE\tAUDIENCE\tSTATE\tEXPIRES\tLAST USED\tCALLS\tLABEL\tNEW")
	for _, l := range lines {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", shown(l.ID), shown(l.Service), shown(strings.Join(l.Audience, ",")), l.State, date(l.Expires), date(l.LastUsed), l.Calls, shown(l.Label), shown(news[l.ID]))
	}
	return w.Flush()
}

func tokenState(i backend.TokenInfo, now time.Time) string {
	switch {
	case !i.Revoked.IsZero():
		return "revoked"
	case !i.Live(now):
		return "expired"
	case !i.Paused.IsZero():
		return "paused"
	}
	return "good"
}

func newUses(i backend.TokenInfo) (out []newUse) {
	for _, s := range i.Sights {
		out = append(out, newUse{s.At, s.News.String(), s.Network, s.Program})
	}
	return out
}

func date(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Local().Format("2006-01-02 15:04")
}

// shown keeps what somebody else wrote from moving the cursor, and from looking
// like what it is not, as text does that changes its direction.
func shown(s string) string {
	if s == "" {
		return "-"
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

type tokensRevokeCmd struct {
	ID       string `placeholder:"ID" help:"The token with this id."`
	Service  string `placeholder:"NAME" help:"Every token of this service that was made up to now."`
	Audience string `placeholder:"WHO" help:"Every token with this audience that was made up to now; with --service, of that one."`
	place
}

// AfterApply refuses what would revoke nothing, or more than was meant.
func (c tokensRevokeCmd) AfterApply() error {
	if (c.ID == "") == (c.Service == "" && c.Audience == "") {
		return errors.New("say which: --id, or --service and --audience; lockbox panic revokes all")
	}
	return nil
}

// Run revokes, and says how many tokens that ends.
func (c tokensRevokeCmd) Run(t Terminal) error {
	list, err := backend.OpenTokens(c.options(t))
	if err != nil {
		return err
	}
	n := 1
	if c.ID != "" {
		err = list.Revoke(c.ID, time.Now())
	} else {
		n, err = list.RevokeAll(c.Service, c.Audience, time.Now())
	}
	if err != nil {
		return err
	}
	t.say("Revoked: %s. The next call with one is refused.", count(n, "token"))
	return nil
}

type tokensResumeCmd struct {
	ID string `arg:"" name:"id" help:"The token, by its id in lockbox tokens list."`
	place
}

// Run accepts what was new.
func (c tokensResumeCmd) Run(t Terminal) error {
	list, err := backend.OpenTokens(c.options(t))
	if err != nil {
		return err
	}
	if err := list.Accept(c.ID, time.Now()); err != nil {
		return err
	}
	t.say("The token is good, and what was new about its use is known.")
	return nil
}

package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"lockbox/ui/backend"
)

type auditShowCmd struct {
	ID   string `arg:"" name:"id|seq" help:"The call, by its id or its number in the list."`
	JSON bool   `name:"json" help:"As JSON: the record as it is kept."`
}

// Run prints the record.
func (c auditShowCmd) Run(t Terminal) error {
	return read(t, func(_ context.Context, _ backend.Options, l *backend.AuditLog) error {
		x, err := l.Get(c.ID)
		if err != nil {
			return err
		}
		if c.JSON {
			return jsonLine(t, &x)
		}
		return t.answer("%s", strings.TrimSuffix(recordText(&x), "\n"))
	})
}

// recordText is all of a record for a person.
func recordText(x *backend.Exchange) string {
	var b strings.Builder
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-10s %s\n", name, shown(value))
		}
	}
	field("Record", fmt.Sprintf("%d, %s", x.Seq, x.ID))
	field("Time", x.Time.Local().Format(time.RFC3339Nano))
	field("Event", x.Event)
	if x.Method != "" {
		call := x.Method + " " + x.Path
		if x.Query != "" {
			call += "?" + x.Query
		}
		field("Call", call)
		field("Status", strings.TrimSpace(fmt.Sprintf("%d %s", x.Status, http.StatusText(x.Status))))
		field("Took", took(x.Duration))
	}
	field("Decision", string(x.Decision))
	field("Reason", x.Reason)
	field("Rule", x.Rule)
	field("Service", x.Service)
	field("Audience", x.Audience)
	field("Token", x.JTI)
	field("New", strings.ReplaceAll(strings.ReplaceAll(x.Drift, ",", ", "), "_", " "))
	field("Came in", strings.TrimSuffix(x.Listener+", from "+x.Remote, ", from "))
	field("Replay of", x.ReplayOf)
	part := func(name string, h http.Header, body *backend.Body, size int64) {
		if len(h) == 0 && body == nil {
			return
		}
		fmt.Fprintf(&b, "\n%s (%s)\n", name, count(int(size), "byte"))
		for _, name := range slices.Sorted(maps.Keys(h)) {
			for _, v := range h[name] {
				fmt.Fprintf(&b, "  %s: %s\n", shown(name), shown(v))
			}
		}
		if body != nil {
			b.WriteString("\n" + bodyText(body))
		}
	}
	part("Request", x.RequestHeader, x.RequestBody, x.BytesIn)
	part("Response", x.ResponseHeader, x.ResponseBody, x.BytesOut)
	return b.String()
}

// bodyText is a body for a person: JSON set out, bytes that are no text in hex.
func bodyText(body *backend.Body) string {
	text := body.Text
	var set bytes.Buffer
	if json.Indent(&set, []byte(text), "", "  ") == nil {
		text = set.String()
	}
	if len(body.Base64) > 0 {
		text = hex.Dump(body.Base64)
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("  " + plain(line))
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		b.WriteByte('\n')
	}
	switch {
	case body.Note != "":
		fmt.Fprintf(&b, "  (%s)\n", shown(body.Note))
	case body.Truncated:
		b.WriteString("  (only the beginning is on record)\n")
	}
	return b.String()
}

// plain writes what would move the cursor or turn the text around as Go would
// in a string.
func plain(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, moves) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		_, n := utf8.DecodeRuneInString(s[i:])
		if moves(r) || r == utf8.RuneError && n == 1 {
			quoted := strconv.Quote(s[i : i+n])
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func moves(r rune) bool { return !unicode.IsPrint(r) && r != '\n' && r != '\t' && r != '\u00a0' }

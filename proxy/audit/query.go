package audit

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Query chooses records. A field with several values takes any of them, and a
// record must fit every field that is set. The zero Query is all records.
type Query struct {
	Service, Method, Listener, Audience, Decision []string
	Drift                                         []string // "yes", or what was new: "network"
	Status                                        []string // "404", or a class: "4xx"
	JTI                                           string
	Since, Until                                  time.Time // Until itself is not in it
	// Text is words that all have to be somewhere in the path, the headers or the
	// bodies, in upper case or lower. "invo*" is every word that begins so.
	Text string

	Before, After int64 // Seqs: older, newer than that record; 0 is no bound
	Limit         int   // how many at most; 0 means 100
}

// Words are the keys of a query's text form, as they are asked for: "service:github".
var Words = []string{"service", "method", "status", "listener", "audience", "decision", "drift", "token", "since", "until"}

// list is where the values of a word are kept, nil if it has but one.
func (q *Query) list(word string) *[]string {
	switch word {
	case "service":
		return &q.Service
	case "method":
		return &q.Method
	case "status":
		return &q.Status
	case "listener":
		return &q.Listener
	case "audience":
		return &q.Audience
	case "decision":
		return &q.Decision
	case "drift":
		return &q.Drift
	}
	return nil
}

// ParseQuery reads what a person types into the search box or at a command line:
// words to look for, and "service:github", "status:5xx", "since:1h" among them.
// A value with spaces in it, or a word that would read as a filter, is quoted.
// Times are RFC 3339, a date, or a duration back from now.
func ParseQuery(s string, now time.Time) (Query, error) {
	terms, err := Terms(s)
	if err != nil {
		return Query{}, err
	}
	var q Query
	var text []string
	for _, t := range terms {
		if t.Word == "" {
			text = append(text, t.Value)
			continue
		}
		if err := q.Add(t.Word, t.Value, now); err != nil {
			return Query{}, err
		}
	}
	q.Text = strings.Join(strings.Fields(strings.Join(text, " ")), " ")
	return q, nil
}

// driftValues are what can be asked for of Exchange.Drift: that it says something,
// or what.
var driftValues = []string{"yes", "network", "user_agent", "hour"}

func driftsOf(x *Exchange) []string {
	if x.Drift == "" {
		return nil
	}
	return append(strings.Split(x.Drift, ","), driftValues[0])
}

// Term is a part of a query's text form: a filter, or text to look for where Word
// is "".
type Term struct{ Word, Value string }

// Terms cuts a query's text form, whose values may still be wrong.
func Terms(s string) ([]Term, error) {
	var out []Term
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		word, value, rest, err := cutTerm(s)
		if err != nil {
			return nil, err
		}
		out = append(out, Term{word, value})
		s = rest
	}
	return out, nil
}

// String is t as Terms reads it.
func (t Term) String() string {
	quote := strings.ContainsFunc(t.Value, func(r rune) bool { return unicode.IsSpace(r) || r == '"' }) || t.Value == ""
	if t.Word != "" {
		if quote {
			t.Value = strconv.Quote(t.Value)
		}
		return t.Word + ":" + t.Value
	}
	if quote || slices.ContainsFunc(Words, func(w string) bool { return strings.HasPrefix(t.Value, w+":") }) {
		return strconv.Quote(t.Value)
	}
	return t.Value
}

// Add narrows q by one filter: a word of Words, and its value.
func (q *Query) Add(word, value string, now time.Time) (err error) {
	switch word {
	case "status":
		if value, err = parseStatus(value); err != nil {
			return err
		}
	case "method":
		value = strings.ToUpper(value)
	case "decision":
		value = strings.ToLower(value)
		if !slices.Contains([]Decision{Allowed, Refused, Failed, Noted}, Decision(value)) {
			return fmt.Errorf("decision:%s: must be allowed, refused, failed or noted", value)
		}
	case "drift":
		if value = strings.ToLower(value); !slices.Contains(driftValues, value) {
			return fmt.Errorf("drift:%s: must be one of %s", value, strings.Join(driftValues, ", "))
		}
	case "token":
		if value == "" { // or it would choose all
			return errors.New("token: says nothing after the colon")
		}
		q.JTI = value
		return nil
	case "since":
		q.Since, err = parseTime(word, value, now)
		return err
	case "until":
		q.Until, err = parseTime(word, value, now)
		return err
	}
	values := q.list(word)
	if values == nil {
		return fmt.Errorf("there is no filter %q: the filters are %s", word, strings.Join(Words, ", "))
	}
	if !slices.Contains(*values, value) {
		*values = append(*values, value)
	}
	return nil
}

// cutTerm takes the first term off s; word is "" for one that is no filter.
func cutTerm(s string) (word, value, rest string, err error) {
	for _, w := range Words {
		if after, ok := strings.CutPrefix(s, w+":"); ok {
			word, s = w, after
			break
		}
	}
	if strings.HasPrefix(s, `"`) {
		quoted, err := strconv.QuotedPrefix(s)
		if err != nil {
			return "", "", "", fmt.Errorf("%s: the quote does not end", s)
		}
		value, err = strconv.Unquote(quoted)
		return word, value, s[len(quoted):], err
	}
	end := strings.IndexFunc(s, unicode.IsSpace)
	if end < 0 {
		end = len(s)
	}
	value, rest = s[:end], s[end:]
	if word != "" && value == "" {
		return "", "", "", fmt.Errorf("%s: says nothing after the colon", word)
	}
	return word, value, rest, nil
}

func parseStatus(s string) (string, error) {
	s = strings.ToLower(s)
	if len(s) == 3 && s[0] >= '0' && s[0] <= '9' {
		if s[1:] == "xx" {
			return s, nil
		}
		if _, err := strconv.ParseUint(s, 10, 16); err == nil {
			return s, nil
		}
	}
	return "", fmt.Errorf("status:%s: must be a status such as 404, or a class such as 4xx", s)
}

func parseTime(word, s string, now time.Time) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		if err != nil {
			t, err = time.ParseInLocation(layout, s, now.Location())
		}
	}
	if year := t.UTC().Year(); err == nil && year > 0 && year < 10000 { // or it could not be written down
		return t, nil
	}
	days, isDays := strings.CutSuffix(s, "d")
	if n, err := strconv.ParseUint(days, 10, 16); err == nil && isDays {
		return now.AddDate(0, 0, -int(n)), nil //nolint:gosec // 16 bits
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("%s:%s: must be a time such as 2026-01-31T15:04:05Z, a date, or a while back such as 90m, 24h or 7d", word, s)
}

// String is q as ParseQuery reads it, paging aside.
func (q Query) String() string {
	var out []string
	add := func(word, value string) { out = append(out, Term{word, value}.String()) }
	for _, word := range Words {
		if values := q.list(word); values != nil {
			for _, v := range *values {
				add(word, v)
			}
		}
		if t := (map[string]time.Time{"since": q.Since, "until": q.Until})[word]; !t.IsZero() {
			add(word, t.UTC().Format(time.RFC3339Nano)) // of the zones of old times not all can be written down
		}
		if word == "token" && q.JTI != "" {
			add(word, q.JTI)
		}
	}
	for text := range strings.FieldsSeq(q.Text) {
		add("", text)
	}
	return strings.Join(out, " ")
}

// IsZero reports whether q is all records, paging aside.
func (q Query) IsZero() bool { return q.String() == "" }

// fits reports whether x is chosen by q, for records that no index knows yet.
func (q *Query) fits(x *Exchange) bool {
	in := func(values []string, have ...string) bool {
		return len(values) == 0 || slices.ContainsFunc(have, func(h string) bool { return slices.Contains(values, h) })
	}
	return in(q.Service, x.Service) && in(q.Method, x.Method) && in(q.Listener, x.Listener) &&
		in(q.Audience, strings.Split(x.Audience, ",")...) && in(q.Decision, string(x.Decision)) && in(q.Drift, driftsOf(x)...) &&
		in(q.Status, strconv.Itoa(x.Status), fmt.Sprintf("%dxx", x.Status/100)) &&
		(q.JTI == "" || q.JTI == x.JTI) && q.covers(x.Time) &&
		(q.Before == 0 || x.Seq < q.Before) && x.Seq > q.After && holds(x, q.Text)
}

// covers reports whether t is in q's range of times.
func (q *Query) covers(t time.Time) bool {
	return (q.Since.IsZero() || !t.Before(q.Since)) && (q.Until.IsZero() || t.Before(q.Until))
}

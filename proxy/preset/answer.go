package preset

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Answer says how the answer to the test call is read. Places in it are JSON
// pointers (RFC 6901).
type Answer struct {
	OK       string   `json:"ok"`        // must be true; "": nothing has to
	Has      string   `json:"has"`       // must be there
	Who      []string `json:"who"`       // who answered: the first that is there
	As       string   `json:"as"`        // how that is said, with {who}
	Why      []string `json:"why"`       // what is wrong, likewise
	WrongKey []int    `json:"wrong_key"` // statuses of a key that is not known; 401 when left out
	Limited  []Sign   `json:"limited"`   // of one that is known and may not do this; 403 when left out
}

// Sign is an answer that is told by its status, and by a text at a place.
type Sign struct {
	Status int    `json:"status"`
	At     string `json:"at"`
	Is     string `json:"is"`
}

// State is what came of a test.
type State string

// The states.
const (
	Works      State = "works"
	Limited    State = "limited"     // the key is known, and may not do what the test does
	WrongKey   State = "wrong_key"   // it is not known
	WrongPlace State = "wrong_place" // there is no such API: a blank is wrong
	NoAnswer   State = "no_answer"   // nothing came
	Strange    State = "strange"     // something came that this API does not say
)

// Verdict is what a test has shown.
type Verdict struct {
	State State
	Text  string // one sentence or two
}

// Read understands the answer to the test call.
func (p *Preset) Read(status int, body string) Verdict {
	a := &p.Answer
	doc := document(body)
	why := doc.first(a.Why)
	says := func(s string) string {
		if why == "" {
			return s
		}
		return s + " " + p.Name + " says: " + sentence(why)
	}
	switch {
	case a.limited(status, doc):
		return Verdict{Limited, says(p.Name + " knows the key, but it may not do what the test does. It may be right for what your workflows need.")}
	case slices.Contains(a.wrongKey(), status), status/100 == 2 && a.OK != "" && doc.at(a.OK) == false:
		return Verdict{WrongKey, says(fmt.Sprintf("%s does not take %s.", p.Name, p.keys()))}
	case status/100 == 2 && a.good(doc):
		who := doc.first(a.Who)
		if who == "" {
			return Verdict{Works, "Works: " + p.Name + " takes the key."}
		}
		as := a.As
		if as == "" {
			as = "signed in as {who}"
		}
		return Verdict{Works, "Works: " + strings.ReplaceAll(as, "{who}", who) + "."}
	case status == http.StatusTooManyRequests:
		return Verdict{NoAnswer, says(p.Name + " had too many calls lately. Try again in a minute.")}
	case status >= 500:
		return Verdict{NoAnswer, says(fmt.Sprintf("%s has trouble (status %d). Try again later.", p.Name, status))}
	case status == http.StatusNotFound || status/100 == 3:
		return Verdict{WrongPlace, p.misplaced(fmt.Sprintf("This address does not answer as %s does (status %d).", p.Name, status))}
	}
	return Verdict{Strange, says(fmt.Sprintf("This is no answer of %s that Lockbox knows (status %d).", p.Name, status))}
}

// Explain understands a test that brought no answer. said is its error in words.
func (p *Preset) Explain(err error, said string) Verdict {
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		if len(p.Blanks) == 0 {
			return Verdict{NoAnswer, "The address of " + p.Name + " cannot be found. Is this computer online?"}
		}
		return Verdict{WrongPlace, p.misplaced("There is no such address.")}
	}
	var network net.Error
	if errors.As(err, &network) && len(p.Blanks) == 0 {
		return Verdict{NoAnswer, p.Name + " cannot be reached. Is this computer online? " + said}
	}
	return Verdict{NoAnswer, said}
}

// misplaced names the blanks that may be wrong.
func (p *Preset) misplaced(s string) string {
	if len(p.Blanks) == 0 {
		return s + " Check the base URL."
	}
	var labels []string
	for _, b := range p.Blanks {
		labels = append(labels, "“"+b.Label+"”")
	}
	return s + " Check " + strings.Join(labels, " and ") + "."
}

// keys are the keys in a sentence.
func (p *Preset) keys() string {
	if len(p.Keys) == 1 {
		return "this key"
	}
	var labels []string
	for _, k := range p.Keys {
		labels = append(labels, "“"+k.Label+"”")
	}
	last := len(labels) - 1
	return "this: check " + strings.Join(labels[:last], ", ") + " and " + labels[last]
}

func (a *Answer) wrongKey() []int {
	if a.WrongKey == nil {
		return []int{http.StatusUnauthorized}
	}
	return a.WrongKey
}

func (a *Answer) limited(status int, doc jsonDoc) bool {
	if a.Limited == nil && !slices.Contains(a.wrongKey(), http.StatusForbidden) {
		return status == http.StatusForbidden
	}
	return slices.ContainsFunc(a.Limited, func(s Sign) bool {
		return s.Status == status && (s.At == "" || doc.at(s.At) == s.Is)
	})
}

// good reports whether an answer has what the API's answers have: anyone can send
// a page with status 200, a hotel's network for one.
func (a *Answer) good(doc jsonDoc) bool {
	return (a.OK == "" || doc.at(a.OK) == true) && (a.Has == "" || doc.at(a.Has) != nil) && (len(a.Who) == 0 || doc.first(a.Who) != "")
}

// jsonDoc is a JSON text that was read; without a value it was none.
type jsonDoc struct{ value any }

func document(body string) jsonDoc {
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return jsonDoc{}
	}
	return jsonDoc{v}
}

// at is what a JSON pointer leads to, nil where that is nothing.
func (d jsonDoc) at(pointer string) any {
	v := d.value
	for _, token := range strings.Split(pointer, "/")[1:] {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		switch x := v.(type) {
		case map[string]any:
			v = x[token]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

// maxQuoted is how much of what an API says is repeated.
const maxQuoted = 160

// first is the first of some places that has a text or a number, fit to be shown.
func (d jsonDoc) first(pointers []string) string {
	for _, pointer := range pointers {
		var s string
		switch v := d.at(pointer).(type) {
		case string:
			s = v
		case json.Number:
			s = v.String()
		}
		s = strings.Join(strings.Fields(strings.Map(shown, s)), " ")
		if r := []rune(s); len(r) > maxQuoted {
			s = string(r[:maxQuoted]) + "…"
		}
		if s != "" {
			return s
		}
	}
	return ""
}

// shown leaves out what would change how the rest is read.
func shown(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
		return -1
	}
	return r
}

// sentence ends in a full stop.
func sentence(s string) string {
	if strings.ContainsRune(".!?…", []rune(s)[len([]rune(s))-1]) {
		return s
	}
	return s + "."
}

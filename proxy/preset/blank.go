package preset

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"lockbox/proxy/config"
)

// The kinds of Blank.
const (
	labelBlank  = "label"  // a label of the host's name
	originBlank = "origin" // scheme, host and port
	choiceBlank = "choice"
)

// Blank is a part of the base URL that a person fills in.
type Blank struct {
	ID      string   `json:"id"`
	Label   string   `json:"label"`
	Kind    string   `json:"kind"`
	Default string   `json:"default"`
	Example string   `json:"example"`
	Hint    string   `json:"hint"`
	Choices []Choice `json:"choices"`
	// What people paste along with a label, out of the address of a web page:
	// what comes before it, and after.
	Begins []string `json:"begins"`
	Ends   []string `json:"ends"`

	after string // what follows it in the base URL's host
}

// Choice is one of those that a blank can be filled with.
type Choice struct {
	Value string `json:"value"`
	Label string `json:"label"`
}

func (b *Blank) hole() string { return "{" + b.ID + "}" }

// oneLabel is a label of a host's name (RFC 1123, section 2.1).
var oneLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// clean is a value as it goes into the base URL.
func (b *Blank) clean(typed string) (string, error) {
	s := strings.TrimSpace(typed)
	if s == "" {
		return "", errors.New("is empty")
	}
	switch b.Kind {
	case choiceBlank:
		if !slices.ContainsFunc(b.Choices, func(c Choice) bool { return c.Value == s }) {
			return "", errors.New("is none of those that there are")
		}
		return s, nil
	case originBlank:
		return origin(s)
	}
	return b.cleanLabel(s)
}

// origin takes what a browser shows as the address of a page.
func origin(s string) (string, error) {
	s, _, _ = strings.Cut(s, "?")
	s, _, _ = strings.Cut(s, "#")
	u, _, err := config.ParseBaseURL(s)
	if err != nil {
		return "", err
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return "", errors.New("must begin with https:// or http://")
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String(), nil
}

func (b *Blank) cleanLabel(s string) (string, error) {
	s = strings.ToLower(s)
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	for _, begin := range b.Begins {
		s = strings.TrimPrefix(s, begin)
	}
	if i := strings.IndexAny(s, "/?#"); i >= 0 {
		s = s[:i]
	}
	for _, end := range append(slices.Clone(b.Ends), b.after) {
		s = strings.TrimSuffix(s, end)
	}
	switch {
	case strings.Contains(s, "."):
		return "", fmt.Errorf("is only what comes before %s, such as %s", b.after, b.Example)
	case !oneLabel.MatchString(s):
		return "", fmt.Errorf("has letters, digits and dashes only, such as %s", b.Example)
	}
	return s, nil
}

// Fill is the base URL with its blanks filled, and by their ids what is wrong with
// those that cannot be. A blank that is not among the values has its default.
func (p *Preset) Fill(values map[string]string) (base string, bad map[string]error) {
	return p.fill(p.base, values)
}

func (p *Preset) fill(s string, values map[string]string) (string, map[string]error) {
	bad := map[string]error{}
	var pairs []string
	for i := range p.Blanks {
		b := &p.Blanks[i]
		if !strings.Contains(s, b.hole()) {
			continue
		}
		typed, ok := values[b.ID]
		if !ok {
			typed = b.Default
		}
		value, err := b.clean(typed)
		if err != nil {
			bad[b.ID] = err
			continue
		}
		pairs = append(pairs, b.hole(), value)
	}
	if len(bad) > 0 {
		return "", bad
	}
	return strings.NewReplacer(pairs...).Replace(s), nil
}

// Template is the base URL with its blanks in braces.
func (p *Preset) Template() string { return p.base }

// KeyURL is the page where the keys are found, with the blanks as far as they are
// filled.
func (p *Preset) KeyURL(values map[string]string) string {
	if filled, bad := p.fill(p.FindKey.URL, values); len(bad) == 0 {
		return filled
	}
	filled, _ := p.fill(p.FindKey.URL, nil)
	return filled
}

// Package preset knows how well-known APIs are set up: their address with blanks
// to fill, what they want a key in, where people find it, and one harmless call
// that tells whether it works. The APIs are data, in assets.
package preset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"lockbox/assets"
	"lockbox/proxy/config"
)

// Preset is one API.
type Preset struct {
	ID     string   `json:"id"` // and the name that a service of it begins with
	Name   string   `json:"name"`
	About  string   `json:"about"`
	Words  []string `json:"words"` // what people may look for it by, beside its name
	Letter string   `json:"letter"`
	Color  string   `json:"color"` // #RRGGBB; white is written on it

	// Service is a service as the config file has it, with blanks in braces in its
	// base_url, and references for the keys that a person has to enter.
	Service json.RawMessage `json:"service"`
	Blanks  []Blank         `json:"blanks"`
	Keys    []Key           `json:"keys"`
	FindKey Place           `json:"find_key"`
	Docs    string          `json:"docs"`
	Test    Call            `json:"test"`
	Answer  Answer          `json:"answer"`
	Notes   string          `json:"notes"`

	base    string          // base_url, with its blanks
	example *config.Service // with its blanks filled by their examples
	at      *regexp.Regexp  // what its base URLs look like; nil: like any
}

// Key is a field of the credential that a person enters.
type Key struct {
	Field   string `json:"field"` // as config.Credential.Sources names it
	Label   string `json:"label"` // as the provider calls it
	Example string `json:"example"`
	Hint    string `json:"hint"`
	Prefix  string `json:"prefix"` // comes before the key in what is sent
	Open    bool   `json:"open"`   // it is no secret
}

// Place is where the keys are found.
type Place struct {
	URL   string `json:"url"` // may have the blanks in it
	Words string `json:"words"`
}

// Call is a harmless call.
type Call struct {
	Method      string `json:"method"`
	Path        string `json:"path"` // below the base URL, with its query
	ContentType string `json:"content_type"`
	Body        string `json:"body"`
}

// All are the presets, by name.
var All = sync.OnceValue(func() []*Preset {
	all, err := parse(assets.Presets)
	if err != nil {
		panic(err) // the program's own data is wrong, whatever is done with it
	}
	return all
})

// ByID is a preset, nil if there is none of that id.
func ByID(id string) *Preset {
	for _, p := range All() {
		if p.ID == id {
			return p
		}
	}
	return nil
}

func parse(src []byte) ([]*Preset, error) {
	d := json.NewDecoder(bytes.NewReader(src))
	d.DisallowUnknownFields()
	var all []*Preset
	if err := d.Decode(&all); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, p := range all {
		if err := p.complete(); err != nil {
			return nil, fmt.Errorf("preset %s: %w", p.ID, err)
		}
		if seen[p.ID] {
			return nil, fmt.Errorf("preset %s is there twice", p.ID)
		}
		seen[p.ID] = true
	}
	return all, nil
}

// complete reads the service, and finds what does not fit.
func (p *Preset) complete() error {
	var s struct {
		BaseURL string `json:"base_url"`
	}
	if err := json.Unmarshal(p.Service, &s); err != nil {
		return err
	}
	p.base = s.BaseURL
	values := map[string]string{}
	for i := range p.Blanks {
		b := &p.Blanks[i]
		if strings.Count(p.base, b.hole()) != 1 {
			return fmt.Errorf("base_url must have %s once", b.hole())
		}
		_, after, _ := strings.Cut(p.base, b.hole())
		b.after, _, _ = strings.Cut(after, "/")
		values[b.ID] = b.Example
		if b.Kind == choiceBlank {
			values[b.ID] = b.Default
		}
	}
	base, bad := p.Fill(values)
	for id, err := range bad {
		return fmt.Errorf("the example of %s: %w", id, err)
	}
	svc, err := p.service(base)
	if err != nil {
		return err
	}
	p.example = svc
	if p.at, err = p.pattern(); err != nil {
		return err
	}
	return p.checkKeys()
}

// service has the config's own reader judge the service.
func (p *Preset) service(base string) (*config.Service, error) {
	old, err := json.Marshal(p.base)
	if err != nil {
		return nil, err
	}
	filled, err := json.Marshal(base)
	if err != nil {
		return nil, err
	}
	src := append([]byte(`{"services": {"x": `), bytes.Replace(p.Service, old, filled, 1)...)
	cfg, err := config.Parse("preset", append(src, "}}"...))
	if err != nil {
		return nil, err
	}
	return cfg.Services["x"], nil
}

// checkKeys sees to it that each reference of the credential is asked for, and
// nothing else.
func (p *Preset) checkKeys() error {
	for field, s := range p.example.Credential.Sources() {
		asked := slices.ContainsFunc(p.Keys, func(k Key) bool { return k.Field == field })
		if asked != s.IsRef() {
			return fmt.Errorf("the field %s: asked for %v, left open %v", field, asked, s.IsRef())
		}
	}
	for _, k := range p.Keys {
		found := false
		for field := range p.example.Credential.Sources() {
			found = found || field == k.Field
		}
		if !found {
			return fmt.Errorf("the credential has no field %s", k.Field)
		}
	}
	if len(p.Keys) == 0 {
		return errors.New("asks for no key")
	}
	return nil
}

// Credential is what the API wants, with references in the place of the keys.
func (p *Preset) Credential() *config.Credential { return p.example.Credential }

// DefaultHeaders are what calls need beside the key.
func (p *Preset) DefaultHeaders() []config.DefaultHeader {
	return slices.Clone(p.example.DefaultHeaders)
}

// Find are the presets that what was typed may mean, the best first: by the
// beginning of their names, of the words for them, then by any part.
func Find(typed string) []*Preset {
	words := strings.Fields(strings.ToLower(typed))
	ranked := map[int][]*Preset{}
	for _, p := range All() {
		worst := 0
		for _, w := range words {
			worst = max(worst, p.rank(w))
		}
		ranked[worst] = append(ranked[worst], p)
	}
	return slices.Concat(ranked[0], ranked[1], ranked[2])
}

// rank says how well a word fits; 3 is not at all.
func (p *Preset) rank(word string) int {
	name := strings.ToLower(p.Name)
	begins := func(s string) bool { return strings.HasPrefix(s, word) }
	switch {
	case begins(name) || begins(p.ID):
		return 0
	case slices.ContainsFunc(p.Words, begins) || slices.ContainsFunc(strings.Fields(name), begins):
		return 1
	case strings.Contains(name, word) || strings.Contains(strings.ToLower(p.About), word):
		return 2
	}
	return 3
}

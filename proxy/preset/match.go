package preset

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"lockbox/proxy/config"
)

// Match is the preset of a service's API: that which has its base URL and its kind
// of credential. It is nil where there is none, or where any service would match.
func Match(svc *config.Service) *Preset {
	base := svc.BaseURL.String()
	for _, p := range All() {
		if p.at != nil && p.at.MatchString(base) && p.fits(svc) {
			return p
		}
	}
	return nil
}

// Of is the preset that a service looks like to a person: that of its address, with
// whatever credential; the credential counts where the address may be anyone's.
func Of(svc *config.Service) *Preset {
	base := svc.BaseURL.String()
	if p := byBase()[base]; p != nil {
		return p
	}
	for _, p := range All() {
		if len(p.Blanks) > 0 && p.at != nil && p.at.MatchString(base) && (p.narrow() || p.fits(svc)) {
			return p
		}
	}
	return nil
}

// byBase are the presets whose base URL has no blanks, by it. Most services are
// found here, so that a list of thousands costs little.
var byBase = sync.OnceValue(func() map[string]*Preset {
	out := map[string]*Preset{}
	for _, p := range All() {
		if len(p.Blanks) == 0 {
			out[p.base] = p
		}
	}
	return out
})

// narrow reports whether only addresses of the API's own can fill the blanks.
func (p *Preset) narrow() bool {
	return !slices.ContainsFunc(p.Blanks, func(b Blank) bool { return b.Kind == originBlank })
}

// fits reports whether a service has the preset's kind of credential.
func (p *Preset) fits(svc *config.Service) bool {
	return slices.Equal(fields(p.Credential()), fields(svc.Credential))
}

// fields are a credential's type and the names of its fields.
func fields(c *config.Credential) []string {
	if c == nil {
		return nil
	}
	var names []string
	for name := range maps.Collect(c.Sources()) {
		names = append(names, strings.ToLower(name))
	}
	slices.Sort(names)
	return append(names, string(c.Type))
}

// pattern is what base URLs of the preset look like; nil: like any.
func (p *Preset) pattern() (*regexp.Regexp, error) {
	s := regexp.QuoteMeta(p.base)
	for _, b := range p.Blanks {
		hole := regexp.QuoteMeta(b.hole())
		switch b.Kind {
		case originBlank:
			if s == hole {
				return nil, nil
			}
			s = strings.Replace(s, hole, `https?://[^/]+`, 1)
		case choiceBlank:
			var values []string
			for _, c := range b.Choices {
				values = append(values, regexp.QuoteMeta(c.Value))
			}
			s = strings.Replace(s, hole, "("+strings.Join(values, "|")+")", 1)
		default:
			s = strings.Replace(s, hole, `[a-z0-9-]+`, 1)
		}
	}
	return regexp.Compile("^" + s + "$")
}

package preset

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"lockbox/proxy/config"
)

// Match is the preset of a service's API: that which has its base URL and its kind
// of credential. It is nil where there is none, or where any service would match.
func Match(svc *config.Service) *Preset {
	for _, p := range All() {
		if p.at != nil && p.at.MatchString(svc.BaseURL.String()) && slices.Equal(fields(p.Credential()), fields(svc.Credential)) {
			return p
		}
	}
	return nil
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

package drift

import (
	"strings"
	"time"
)

// Sight is what was new about a call, as it is written down.
type Sight struct {
	At      time.Time
	News    News
	Network string // "": this computer
	Program string // "": it could not be written down
}

// Sight is what News say of a call. The program is "" if it is not fit, by plain,
// to be written down.
func (c Call) Sight(news News, plain func(string) bool) Sight {
	s := Sight{At: c.At.Truncate(time.Second), News: news}
	if news&Network != 0 {
		s.Network = c.Network()
	}
	if program := c.Program(); news&Agent != 0 && plain(program) {
		s.Program = program
	}
	return s
}

// Words names what was new: "network 203.0.113.0/24, user agent curl".
func (s Sight) Words() string {
	var all []string
	if s.News&Network != 0 {
		all = append(all, "network "+s.Network)
	}
	switch {
	case s.News&Agent == 0:
	case s.Program == noAgent:
		all = append(all, noAgent)
	default:
		all = append(all, strings.TrimSpace("user agent "+s.Program))
	}
	if s.News&Hour != 0 {
		all = append(all, "unusual hour")
	}
	return strings.Join(all, ", ")
}

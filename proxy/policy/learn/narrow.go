package learn

import (
	"cmp"
	"slices"
	"strings"

	"lockbox/proxy/config"
)

// Limits of what stands in braces: more than that nobody reads.
const (
	mostBraces = 2
	mostNames  = 8
)

// narrow brings the number of drafts down to limit, by what widens them least.
func narrow(all []*draft, limit int) []*draft {
	for _, join := range []func([]*draft) *group{byName, byPlace, byParent} {
		for len(all) > limit {
			g := join(all)
			if g == nil {
				break
			}
			all = g.merge(all)
		}
	}
	for depth := longest(all) - 1; len(all) > limit && depth >= 0; depth-- {
		for len(all) > limit {
			g := byDepth(all, depth)
			if g == nil {
				break
			}
			all = g.merge(all)
		}
	}
	return all
}

func longest(all []*draft) (n int) {
	for _, d := range all {
		n = max(n, len(d.path))
	}
	return n
}

// group are drafts that can be one.
type group struct {
	drafts []*draft
	at     int // the later in the path they differ, the less is widened
	path   []string
}

// merge has one draft in the place of a group.
func (g *group) merge(all []*draft) []*draft {
	one := &draft{path: g.path, query: g.drafts[0].query}
	for _, d := range g.drafts {
		one.tally.add(&d.tally)
		one.methods = append(one.methods, d.methods...)
		if !sameQuery(one.query, d.query) {
			one.query = nil
		}
	}
	slices.Sort(one.methods)
	one.methods = slices.Compact(one.methods)
	at := slices.Index(all, g.drafts[0])
	all[at] = one
	return slices.DeleteFunc(all, func(d *draft) bool { return slices.Contains(g.drafts, d) })
}

func sameQuery(a, b []config.QueryCondition) bool {
	return slices.EqualFunc(a, b, func(a, b config.QueryCondition) bool {
		return a.Name == b.Name && slices.Equal(a.Values, b.Values)
	})
}

// byName joins drafts that differ in one word: /a/{x,y}/b.
func byName(all []*draft) *group {
	best := differing(all, mostNames, func(d *draft, at int) bool {
		s := d.path[at]
		return !strings.ContainsAny(s, "*{},") && s != "" && strings.Count(strings.Join(d.path, "/"), "{") < mostBraces
	})
	if best == nil {
		return nil
	}
	var names []string
	for _, d := range best.drafts {
		names = append(names, d.path[best.at])
	}
	slices.Sort(names)
	best.path[best.at] = "{" + strings.Join(names, ",") + "}"
	return best
}

// byPlace joins drafts that differ in one segment: /a/*/b.
func byPlace(all []*draft) *group {
	best := differing(all, len(all), func(d *draft, at int) bool { return d.path[at] != "" && d.path[at] != rest })
	if best != nil {
		best.path[best.at] = wildcard
	}
	return best
}

// byParent joins drafts below one path that have the same methods: /a/**.
func byParent(all []*draft) *group {
	groups := map[string]*group{}
	for _, d := range all {
		for at := 1; at < len(d.path); at++ {
			add(groups, strings.Join(d.path[:at], "/")+"\x00"+strings.Join(d.methods, ","), d, at)
		}
	}
	return below(groups)
}

// byDepth joins drafts that begin with the same segments, whatever their methods.
func byDepth(all []*draft, depth int) *group {
	groups := map[string]*group{}
	for _, d := range all {
		if len(d.path) >= depth {
			add(groups, strings.Join(d.path[:depth], "/"), d, depth)
		}
	}
	return below(groups)
}

func below(groups map[string]*group) *group {
	best := choose(groups)
	if best != nil {
		best.path = append(slices.Clone(best.drafts[0].path[:best.at]), rest)
	}
	return best
}

// differing is the best group of up to most drafts that are the same but for one
// segment, of those that fit.
func differing(all []*draft, most int, fits func(d *draft, at int) bool) *group {
	groups := map[string]*group{}
	for _, d := range all {
		for at := range d.path {
			if !fits(d, at) {
				continue
			}
			others := slices.Clone(d.path)
			others[at] = "\x00"
			key := strings.Join(others, "/") + "\x00" + strings.Join(d.methods, ",")
			for _, q := range d.query {
				key += "\x00" + q.Name + "=" + strings.Join(q.Values, "|")
			}
			if g := groups[key]; g == nil || len(g.drafts) < most {
				add(groups, key, d, at)
			}
		}
	}
	best := choose(groups)
	if best != nil {
		best.path = slices.Clone(best.drafts[0].path)
	}
	return best
}

func add(groups map[string]*group, key string, d *draft, at int) {
	if groups[key] == nil {
		groups[key] = &group{at: at}
	}
	groups[key].drafts = append(groups[key].drafts, d)
}

// choose is the group of two and more that widens least and saves most.
func choose(groups map[string]*group) *group {
	var best *group
	for _, g := range groups {
		if len(g.drafts) < 2 {
			continue
		}
		if best == nil || cmp.Or(cmp.Compare(g.at, best.at), cmp.Compare(len(g.drafts), len(best.drafts)),
			slices.Compare(best.drafts[0].path, g.drafts[0].path), slices.Compare(best.drafts[0].methods, g.drafts[0].methods)) > 0 {
			best = g
		}
	}
	return best
}

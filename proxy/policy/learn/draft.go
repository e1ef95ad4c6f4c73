package learn

import (
	"maps"
	"slices"

	"lockbox/proxy/config"
)

// draft is a rule in the making.
type draft struct {
	path    []string // patterns, of which those that are words stand for themselves
	methods []string // sorted
	query   []config.QueryCondition
	tally
}

// drafts adds a draft for each path that ends at n or below.
func (n *node) drafts(path []string, all []*draft) []*draft {
	if len(n.ends) > 0 {
		d := &draft{path: slices.Clone(path), methods: slices.Sorted(maps.Keys(n.ends))}
		for _, m := range d.methods {
			d.tally.add(n.ends[m])
		}
		for _, name := range slices.Sorted(maps.Keys(d.verbs)) {
			values, calls := slices.Sorted(maps.Keys(d.verbs[name])), 0
			for _, v := range values {
				calls += d.verbs[name][v]
			}
			if len(values) <= mostVerbs && calls == d.calls {
				d.query = append(d.query, config.QueryCondition{Name: name, Values: values})
			}
		}
		all = append(all, d)
	}
	for _, name := range slices.Sorted(maps.Keys(n.words)) {
		all = n.words[name].drafts(append(path, name), all)
	}
	for _, shape := range slices.Sorted(maps.Keys(n.ids)) {
		all = n.ids[shape].drafts(append(path, shape), all)
	}
	return all
}

package config

import (
	"bytes"
	"slices"

	"github.com/tailscale/hujson"
)

// style is how a file is written, so that what is added looks like the rest.
type style struct {
	newline string
	unit    hujson.Extra // one step of indentation
	colon   hujson.Extra // what follows a colon
	compact bool         // everything on one line
}

// item is a member of an object or an element of an array with the comments
// that belong to it.
type item struct {
	lead  hujson.Extra // from the line break before it: comment lines, indentation
	name  hujson.Value // of a member
	value hujson.Value // its AfterExtra stands before the comma
	trail hujson.Extra // what follows the comma on the same line
}

// list is an object or array taken apart. store puts it together again: without
// a change in between, to the same bytes.
type list struct {
	style    *style
	object   *hujson.Object // or
	array    *hujson.Array
	indent   hujson.Extra // of the line that opens it
	open     hujson.Extra // what follows the opening bracket on its line
	items    []item
	end      hujson.Extra // what stands before the closing bracket
	trailing bool         // there is a comma after the last item
	inline   bool         // stays on one line when it gets its first item
}

// memberList takes apart o, which begins on a line of that indentation.
func (st *style) memberList(o *hujson.Object, indent hujson.Extra) *list {
	l := &list{style: st, object: o, indent: indent, end: o.AfterExtra, inline: st.compact}
	for _, m := range o.Members {
		it := item{lead: m.Name.BeforeExtra, name: m.Name, value: m.Value}
		it.name.BeforeExtra = nil
		l.items = append(l.items, it)
	}
	return l.split()
}

// elements takes apart a, the value of an item of l.
func (l *list) elements(it *item, a *hujson.Array) *list {
	l = &list{style: l.style, array: a, indent: l.lineIndent(it), end: a.AfterExtra}
	for _, v := range a.Elements {
		it := item{lead: v.BeforeExtra, value: v}
		it.value.BeforeExtra = nil
		l.items = append(l.items, it)
	}
	return l.split()
}

// members takes apart o, the value of an item of l. An object of several members
// on one line has its inner ones there too.
func (l *list) members(it *item, o *hujson.Object) *list {
	inner := l.style.memberList(o, l.lineIndent(it))
	inner.inline = l.inline || len(l.items) > 1 && !slices.ContainsFunc(l.items, func(it item) bool { return hasBreak(it.lead) })
	return inner
}

// lineIndent is the indentation of the line that an item of l stands on.
func (l *list) lineIndent(it *item) hujson.Extra {
	if hasBreak(it.lead) {
		return indentOf(it.lead)
	}
	return l.indent
}

// split gives the rest of each line to what stands on it.
func (l *list) split() *list {
	before := &l.open
	for i := range l.items {
		it := &l.items[i]
		if same, rest, ok := cutLine(it.lead); ok {
			*before, it.lead = same, rest
		}
		before = &it.trail
	}
	if same, rest, ok := cutLine(l.end); ok {
		*before, l.end = same, rest
	} else if len(l.items) > 0 && hasComment(l.end) {
		n := len(bytes.TrimRight(l.end, " \t"))
		*before, l.end = l.end[:n], l.end[n:]
	}
	if n := len(l.items); n > 0 {
		l.trailing = l.items[n-1].value.AfterExtra != nil
	}
	return l
}

// store writes the list back into its object or array.
func (l *list) store() {
	nl := l.style.newline
	before, last := l.open, len(l.items)-1
	var members []hujson.ObjectMember
	var elements []hujson.Value
	for i, it := range l.items {
		lead := glue(before, it.lead, nl)
		before = it.trail
		switch {
		case i == last && l.trailing && it.value.AfterExtra == nil:
			it.value.AfterExtra = hujson.Extra{}
		case i == last && !l.trailing:
			before = glue(it.value.AfterExtra, before, nl)
			it.value.AfterExtra = nil
		}
		if l.object != nil {
			it.name.BeforeExtra = lead
			members = append(members, hujson.ObjectMember{Name: it.name, Value: it.value})
		} else {
			it.value.BeforeExtra = lead
			elements = append(elements, it.value)
		}
	}
	end := glue(before, l.end, nl)
	if inLineComment(end) {
		end = append(end, nl...)
	}
	if l.object != nil {
		l.object.Members, l.object.AfterExtra = members, end
	} else {
		l.array.Elements, l.array.AfterExtra = elements, end
	}
}

// find is the index of the member of that name, or -1.
func (l *list) find(name string) int {
	return slices.IndexFunc(l.items, func(it item) bool { return text(it.name.Value) == name })
}

// childIndent is the indentation of the list's items.
func (l *list) childIndent() hujson.Extra {
	for _, it := range l.items {
		if hasBreak(it.lead) {
			return indentOf(it.lead)
		}
	}
	return slices.Concat(l.indent, l.style.unit)
}

// member makes an item for an object.
func (l *list) member(name string, v hujson.ValueTrimmed) item {
	return item{
		name:  hujson.Value{Value: hujson.String(name)},
		value: hujson.Value{BeforeExtra: l.style.colon, Value: v},
	}
}

// take removes the item at i with the comments that are about it; its lead is
// then the comment lines right above it. Comments set off by a blank line stay.
func (l *list) take(i int) item {
	it := l.items[i]
	lead := it.lead
	detached, attached := cutAttached(lead)
	it.lead = attached
	last := i == len(l.items)-1
	next := &l.end
	if !last {
		next = &l.items[i+1].lead
	}
	blank, rest := cutBlank(*next)
	switch {
	case last && hasComment(detached):
		*next = glue(bytes.TrimRight(detached, " \t\r\n"), *next, l.style.newline)
	case last:
	case hasComment(detached):
		*next = glue(detached, rest, l.style.newline)
	case !hasBreak(*next) && (i == 0 || hasBreak(lead)):
		*next = slices.Concat(trimComments(lead), bytes.TrimLeft(*next, " \t"))
	case i == 0 || len(blank) == 0:
		*next = slices.Concat(detached, rest)
	}
	l.items = slices.Delete(l.items, i, i+1)
	if len(l.items) == 0 && !hasComment(l.open) && !hasComment(l.end) {
		l.open, l.end = nil, nil
	}
	return it
}

// trimComments leaves the line break and the indentation of a lead.
func trimComments(lead hujson.Extra) hujson.Extra {
	if !hasComment(lead) {
		return lead
	}
	if !hasBreak(lead) {
		return lead[:len(lead)-len(bytes.TrimLeft(lead, " \t"))]
	}
	_, last := cutLast(lead)
	return last[:len(last)-len(bytes.TrimLeft(last, " \t\r\n"))]
}

// insert puts an item at i, on a line of its own where the others are.
func (l *list) insert(i int, it item) {
	lead := l.place(i)
	if hasComment(it.lead) {
		if above, last := cutLast(lead); hasBreak(it.lead) && hasBreak(last) {
			lead = slices.Concat(above, it.lead)
		} else {
			lead = glue(lead, bytes.TrimLeft(it.lead, " \t\r\n"), l.style.newline)
		}
	}
	it.lead = lead
	l.items = slices.Insert(l.items, i, it)
}

// place makes room at i and gives the lead for the item that comes there.
func (l *list) place(i int) hujson.Extra {
	n := len(l.items)
	newLine := slices.Concat(hujson.Extra(l.style.newline), l.childIndent())
	switch {
	case n == 0:
		return l.placeFirst(newLine)
	case i < n && hasBreak(l.items[i].lead):
		return newLine
	case i == 0:
		lead := trimComments(l.items[0].lead)
		if len(l.items[0].lead) == len(lead) {
			l.items[0].lead = bytes.Clone(l.style.colon)
		}
		return lead
	case i < n:
		return trimComments(l.items[i].lead)
	case hasBreak(l.end) && hasBreak(l.items[n-1].lead):
		above, last := cutLast(l.end)
		l.end = last
		if hasComment(above) {
			return slices.Concat(above, newLine)
		}
		if n > 1 { // services set apart by blank lines stay so
			blank, _ := cutBlank(l.items[n-1].lead)
			return slices.Concat(blank, newLine)
		}
		return newLine
	case hasBreak(l.items[n-1].lead):
		return newLine
	case n > 1:
		return trimComments(l.items[n-1].lead)
	}
	return bytes.Clone(l.style.colon)
}

// placeFirst makes room in an empty list.
func (l *list) placeFirst(newLine hujson.Extra) hujson.Extra {
	if above, last := cutLast(l.end); hasBreak(l.end) {
		l.end = last
		if hasComment(above) {
			return slices.Concat(above, newLine)
		}
		return newLine
	}
	l.open, l.end = bytes.TrimRight(l.end, " \t"), nil
	if l.array != nil || l.inline {
		return nil
	}
	l.end = slices.Concat(hujson.Extra(l.style.newline), l.indent)
	return newLine
}

// arrange gives the list these keys in this order. Items whose key is wanted
// keep their comments and, if they can, their place; an item whose key is not
// is renamed by adopt where a new key stands at its place, and else removed.
func (l *list) arrange(keys []string, keyOf func(*item) string, adopt func(*item, int), create func(int) item) {
	const unused = -1
	owner := make([]int, len(l.items))         // item → key
	at := make(map[string][]int, len(l.items)) // a list may hold a key twice
	for i := range l.items {
		owner[i] = unused
		key := keyOf(&l.items[i])
		at[key] = append(at[key], i)
	}
	found := make([]bool, len(keys))
	for k, key := range keys {
		if same := at[key]; len(same) > 0 {
			owner[same[0]], found[k] = k, true
			at[key] = same[1:]
		}
	}
	for k := range keys {
		if !found[k] && k < len(owner) && owner[k] == unused {
			owner[k], found[k] = k, true
		}
	}
	for i := len(owner) - 1; i >= 0; i-- {
		if owner[i] == unused {
			l.take(i)
			owner = slices.Delete(owner, i, i+1)
		}
	}
	for k := range keys {
		switch i := slices.Index(owner, k); {
		case i < 0:
			l.insert(k, create(k))
			owner = slices.Insert(owner, k, k)
		case i > k:
			l.insert(k, l.take(i))
			owner = slices.Insert(slices.Delete(owner, i, i+1), k, k)
		}
		adopt(&l.items[k], k)
	}
}

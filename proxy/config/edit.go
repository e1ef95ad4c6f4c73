package config

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/tailscale/hujson"
)

// The edits change what they are asked to and leave every other byte alone:
// comments, order, unknown keys, indentation, trailing commas. They want a file
// that is well-formed, not one that is free of errors.

// editor holds a file that is being edited.
type editor struct {
	doc   *document
	style *style
	top   *list
}

// edit opens src for editing. A blank file counts as one without services.
func edit(src []byte) (*editor, error) {
	if len(bytes.TrimSpace(bytes.TrimPrefix(src, utf8BOM))) == 0 {
		src = []byte("{\n  \"services\": {}\n}\n")
	}
	doc, err := parseDocument("", src)
	if err != nil {
		return nil, err
	}
	e := &editor{doc: doc}
	root, err := e.objectAt(&doc.root, "", "")
	if err != nil {
		return nil, err
	}
	e.style = styleOf(doc, root)
	e.top = e.style.memberList(root, indentOf(root.AfterExtra))
	return e, nil
}

// styleOf looks at the file's outermost object.
func styleOf(doc *document, root *hujson.Object) *style {
	st := &style{newline: "\n", unit: hujson.Extra("  "), colon: hujson.Extra(" ")}
	if i := bytes.IndexByte(doc.src, '\n'); i > 0 && doc.src[i-1] == '\r' {
		st.newline = "\r\n"
	}
	if len(root.Members) == 0 {
		return st
	}
	first := root.Members[0]
	if len(bytes.TrimSpace(first.Value.BeforeExtra)) == 0 && !hasBreak(first.Value.BeforeExtra) {
		st.colon = bytes.Clone(first.Value.BeforeExtra)
	}
	if indent := indentOf(first.Name.BeforeExtra); hasBreak(first.Name.BeforeExtra) && len(indent) > 0 {
		outer := indentOf(root.AfterExtra)
		if bytes.HasPrefix(indent, outer) && len(indent) > len(outer) {
			st.unit = bytes.Clone(indent[len(outer):])
		}
	}
	inner, _ := first.Value.Value.(*hujson.Object)
	body := doc.src[doc.root.StartOffset:doc.root.EndOffset]
	st.compact = bytes.IndexByte(body, '\n') < 0 && inner != nil && len(inner.Members) > 0
	return st
}

// bytes is the edited file.
func (e *editor) bytes() ([]byte, error) {
	e.top.store()
	out := bytes.TrimSuffix(e.doc.root.Pack(), []byte("\n")) // parseDocument's
	out = append(bytes.Clone(e.doc.bom), out...)
	if _, err := parseDocument("", out); err != nil {
		return nil, fmt.Errorf("the edited file would not be valid, nothing was changed: %w", err)
	}
	return out, nil
}

// objectAt is the object that v must be, without doubled keys.
func (e *editor) objectAt(v *hujson.Value, service, field string) (*hujson.Object, error) {
	d := &decoder{service: service}
	d.object(v, field)
	if len(d.errors) > 0 {
		return nil, Problems(locate("", e.doc.src, d.errors))
	}
	return v.Value.(*hujson.Object), nil
}

// services takes apart the object of that name, or adds it.
func (e *editor) services() (*list, error) {
	if e.top.find("services") < 0 {
		e.top.insert(0, e.top.member("services", &hujson.Object{}))
	}
	v := &e.top.items[e.top.find("services")]
	o, err := e.objectAt(&v.value, "", "services")
	if err != nil {
		return nil, err
	}
	return e.style.memberList(o, e.top.lineIndent(v)), nil
}

// PutService adds s, with oldName "", or puts it in the place of the service
// oldName, whose name it may change. Keys with default values are left out
// unless they were there. It refuses a service that Parse would refuse.
func PutService(src []byte, oldName string, s *Service) ([]byte, error) {
	if err := CheckService(s); err != nil {
		return nil, err
	}
	e, err := edit(src)
	if err != nil {
		return nil, err
	}
	services, err := e.services()
	if err != nil {
		return nil, err
	}
	if s.Name != oldName && services.find(s.Name) >= 0 {
		return nil, fmt.Errorf("there is a service %q already: choose another name", s.Name)
	}
	i := len(services.items)
	if oldName != "" {
		if i = services.find(oldName); i < 0 {
			return nil, noService(oldName)
		}
	} else {
		services.insert(i, services.member(s.Name, &hujson.Object{}))
	}
	it := &services.items[i]
	setText(&it.name, s.Name)
	if it.value.Value.Kind() != '{' {
		it.value.Value = &hujson.Object{}
	}
	o, err := e.objectAt(&it.value, s.Name, "")
	if err != nil {
		return nil, err
	}
	members := services.members(it, o)
	if err := e.putService(members, s); err != nil {
		return nil, err
	}
	members.store()
	services.store()
	return e.bytes()
}

func noService(name string) error {
	return fmt.Errorf("there is no service %q in the file any more: read it again", name)
}

// DeleteService removes a service, with the comments on its own lines and right
// above it.
func DeleteService(src []byte, name string) ([]byte, error) {
	e, err := edit(src)
	if err != nil {
		return nil, err
	}
	services, err := e.services()
	if err != nil {
		return nil, err
	}
	i := services.find(name)
	if i < 0 {
		return nil, noService(name)
	}
	services.take(i)
	services.store()
	return e.bytes()
}

// SetListen sets the local listener's address. The default one is not written
// where the file has none.
func SetListen(src []byte, addr string) ([]byte, error) {
	if err := CheckListen(addr); err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	e, err := edit(src)
	if err != nil {
		return nil, err
	}
	if e.top.find("listen") >= 0 || addr != DefaultListen {
		setText(e.top.set("listen", topKeys), addr)
	}
	return e.bytes()
}

// SetAuditLog sets the folder of the original's audit files, or with nil none.
func SetAuditLog(src []byte, a *AuditLog) ([]byte, error) {
	e, err := edit(src)
	if err != nil {
		return nil, err
	}
	if a == nil {
		return e.withoutAuditDir()
	}
	if a.Type != "" && a.Type != LocalDir {
		return nil, errors.New(`audit_log/type: must be "local_dir"`)
	}
	if err := checkRootDir(a.RootDir); err != nil {
		return nil, fmt.Errorf("audit_log/root_dir: %w", err)
	}
	v := e.top.set("audit_log", topKeys)
	isNew := v.Value.Kind() != '{'
	if isNew {
		v.Value = &hujson.Object{}
	}
	o, err := e.objectAt(v, "", "audit_log")
	if err != nil {
		return nil, err
	}
	l := e.top.members(&e.top.items[e.top.find("audit_log")], o)
	if isNew || l.find("type") >= 0 {
		setText(l.set("type", auditLogKeys), LocalDir)
	}
	setText(l.set("root_dir", auditLogKeys), a.RootDir)
	l.store()
	return e.bytes()
}

// withoutAuditDir leaves the keys about Lockbox's own record, if there are any.
func (e *editor) withoutAuditDir() ([]byte, error) {
	i := e.top.find("audit_log")
	if i < 0 {
		return e.bytes()
	}
	v := &e.top.items[i].value
	o, isObject := v.Value.(*hujson.Object)
	if !isObject {
		return e.bytes()
	}
	l := e.top.members(&e.top.items[i], o)
	if !slices.ContainsFunc(recordKeys, func(k string) bool { return l.find(k) >= 0 }) {
		v.Value = hujson.Literal("null")
		return e.bytes()
	}
	for _, key := range []string{"type", "root_dir"} {
		if at := l.find(key); at >= 0 {
			l.take(at)
		}
	}
	l.store()
	return e.bytes()
}

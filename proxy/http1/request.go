package http1

import "strings"

// Request is the head of a plain request.
type Request struct {
	Method string
	Target string // begins with a slash
	Host   string
	Fields Fields // less Host; Content-Length included
	// Length is the body's, -1 when there is no Content-Length and so no body.
	Length int64
	Close  bool // the caller wants the connection closed after the answer
}

// Parse reads a head that ends in an empty line, and reports whether it is
// plain: an ordinary method, an origin-form target of visible ASCII characters,
// HTTP/1.1, one Host, at most one Content-Length, and nothing that changes the
// connection or how the body is delimited. head is not kept as the request's
// strings only: they share its memory.
func (r *Request) Parse(head string) bool {
	*r = Request{Fields: r.Fields[:0], Length: -1}
	line, rest, ok := strings.Cut(head, "\r\n")
	if !ok || !r.start(line) {
		return false
	}
	hosts := 0
	for rest != "\r\n" {
		f, after, ok := field(rest, false)
		if !ok || len(r.Fields) == maxFields {
			return false
		}
		rest = after
		if f.Name == "Host" {
			if hosts++; hosts > 1 || !plainHost(f.Value) {
				return false
			}
			r.Host = f.Value
			continue
		}
		if !plainField(f, &r.Length, &r.Close) {
			return false
		}
		r.Fields = append(r.Fields, f)
	}
	return hosts == 1
}

func (r *Request) start(line string) bool {
	method, rest, _ := strings.Cut(line, " ")
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
	default:
		return false
	}
	target, ok := strings.CutSuffix(rest, " HTTP/1.1")
	if !ok || target == "" || target[0] != '/' {
		return false
	}
	path := true
	for i := range len(target) {
		switch c := target[i]; {
		case c <= ' ' || c >= 0x7f || c == '#':
			return false
		case c == '?':
			path = false
		case c == '%' && path && !(i+2 < len(target) && isHex(target[i+1]) && isHex(target[i+2])):
			return false
		}
	}
	r.Method, r.Target = method, target
	return true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// plainHost takes names, addresses and ports.
func plainHost(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '-', c == '_', c == ':', c == '[', c == ']':
		default:
			return false
		}
	}
	return s != ""
}

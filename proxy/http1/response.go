package http1

import "strings"

// Response is the head of a plain answer.
type Response struct {
	Status int
	Reason string // as it came, for the caller
	Fields Fields // Content-Length included
	Length int64  // the body's
	Close  bool   // the connection ends with the answer
}

// Parse reads a head that ends in an empty line, and reports whether it is
// plain: a final HTTP/1.1 answer with one Content-Length, whose body is not
// delimited in any other way. That a status or a HEAD request may make the body
// empty all the same is for the one who asked to know.
func (r *Response) Parse(head string) bool {
	*r = Response{Fields: r.Fields[:0], Length: -1}
	line, rest, ok := strings.Cut(head, "\r\n")
	if !ok || !r.start(line) {
		return false
	}
	for rest != "\r\n" {
		f, after, ok := field(rest, true)
		if !ok || len(r.Fields) == maxFields {
			return false
		}
		rest = after
		if !plainField(f, &r.Length, &r.Close) {
			return false
		}
		r.Fields = append(r.Fields, f)
	}
	return r.Length >= 0
}

func (r *Response) start(line string) bool {
	rest, ok := strings.CutPrefix(line, "HTTP/1.1 ")
	if !ok || len(rest) < 4 || rest[3] != ' ' {
		return false
	}
	status := 0
	for i := range 3 {
		if rest[i] < '0' || rest[i] > '9' {
			return false
		}
		status = status*10 + int(rest[i]-'0')
	}
	if status < 200 || status > 599 {
		return false
	}
	reason := rest[4:]
	for i := range len(reason) {
		if !isValue[reason[i]] && reason[i] < 0x80 {
			return false
		}
	}
	r.Status, r.Reason = status, reason
	return true
}

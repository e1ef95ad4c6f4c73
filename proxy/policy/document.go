package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deep a JSON body may be nested.
const maxDepth = 64

// missing stands for a document or a field that is not there.
type missing struct{}

// readBody reads the body as JSON. It returns false if that cannot be told, or not
// yet: unread or needsBody say so.
func (v *view) readBody() bool {
	if v.docRead {
		return true
	}
	if v.Length == 0 && len(v.Body) == 0 {
		v.doc, v.docRead = missing{}, true
		return true
	}
	if v.unread = v.unreadable(); v.unread != "" {
		return false
	}
	if v.Body == nil {
		v.needsBody = true
		return false
	}
	v.docRead = true
	if len(v.Body) == 0 {
		v.doc = missing{}
		return true
	}
	doc, err := parse(v.Body)
	if err != nil {
		v.docRead, v.unread = false, "its body "+err.Error()
		return false
	}
	v.doc = doc
	return true
}

// unreadable is why the headers say that the body is no plain JSON, "" if it is.
func (v *view) unreadable() string {
	for _, e := range v.Header["Content-Encoding"] {
		if e != "" && !strings.EqualFold(e, "identity") {
			return "its body is packed (Content-Encoding): send it as it is"
		}
	}
	values := v.Header["Content-Type"]
	if len(values) != 1 {
		return "its body needs one Content-Type, application/json"
	}
	media, params, err := mime.ParseMediaType(values[0])
	if err != nil || media != "application/json" && media != "text/json" && !strings.HasSuffix(media, "+json") {
		return "its body is not sent as application/json"
	}
	if set, ok := params["charset"]; ok && !strings.EqualFold(set, "utf-8") && !strings.EqualFold(set, "utf8") {
		return "its body is not in UTF-8"
	}
	return ""
}

// parse reads JSON that all parsers read alike: RFC 8259 and the advice of RFC 7493.
func parse(b []byte) (any, error) {
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		return nil, errors.New("begins with a byte order mark")
	case !utf8.Valid(b):
		return nil, errors.New("is no UTF-8")
	case !json.Valid(b):
		return nil, errors.New("is no JSON")
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	return value(dec, 0)
}

func value(dec *json.Decoder, depth int) (any, error) {
	t, err := dec.Token()
	if err != nil {
		return nil, errors.New("is no JSON")
	}
	if depth > maxDepth {
		return nil, errors.New("is nested too deeply")
	}
	switch t := t.(type) {
	case string:
		return t, checkText(t)
	case json.Delim:
		if t == '{' {
			return members(dec, depth)
		}
		list := []any{}
		for dec.More() {
			v, err := value(dec, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := dec.Token()
		return list, err
	}
	return t, nil // a number, true, false or null
}

func members(dec *json.Decoder, depth int) (any, error) {
	all := map[string]any{}
	for dec.More() {
		name, err := value(dec, depth)
		if err != nil {
			return nil, err
		}
		key, _ := name.(string) // the syntax is good
		if _, twice := all[key]; twice {
			return nil, errors.New("has a field twice")
		}
		if all[key], err = value(dec, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := dec.Token()
	return all, err
}

// checkText refuses what some parsers cut off, drop or replace: a half of a
// surrogate pair has become the replacement character by now.
func checkText(s string) error {
	if strings.ContainsAny(s, "\x00\ufffd") {
		return errors.New("has a text with a character that parsers read differently")
	}
	return nil
}

// lookUp finds what a pointer's tokens lead to. sure is false where a parser that
// tells no case would find something else.
func lookUp(doc any, tokens []string) (found any, sure bool) {
	sure = true
	for _, token := range tokens {
		switch at := doc.(type) {
		case map[string]any:
			exact, there := at[token]
			doc = missing{}
			for name, v := range at {
				if name != token && (strings.EqualFold(name, token) || foldName(name) == foldName(token)) {
					sure, doc = false, v
				}
			}
			if there {
				doc = exact
			}
		case []any:
			i, ok := index(token)
			if !ok || i >= len(at) {
				return missing{}, sure
			}
			doc = at[i]
		default:
			return missing{}, sure
		}
	}
	return doc, sure
}

// index reads a token as the index of a list (RFC 6901, section 4).
func index(token string) (int, bool) {
	if token == "" || len(token) > 9 || token[0] == '0' && token != "0" {
		return 0, false
	}
	n := 0
	for _, c := range []byte(token) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

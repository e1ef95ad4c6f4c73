package proxy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
)

// A reader is an upstream that writes down what it would have done, had it been
// one of many servers that read a request each in its way.
type reader struct {
	mu   sync.Mutex
	told []string // what rules forbid and some server would have done
	got  int
}

// violations are those since it was asked last.
func (u *reader) violations() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	told := u.told
	u.told = nil
	return told
}

func (u *reader) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	raw, query, _ := strings.Cut(r.RequestURI, "?")
	var bad []string
	note := func(format string, args ...any) {
		bad = append(bad, fmt.Sprintf("%s %s %q: ", r.Method, r.RequestURI, body)+fmt.Sprintf(format, args...))
	}
	switch service, below, _ := strings.Cut(strings.TrimPrefix(raw, "/"), "/"); service {
	case "deny":
		for how, p := range pathReadings("/"+below, r.Header) {
			if p == "/admin" || strings.HasPrefix(p, "/admin/") {
				note("%s reads %s", how, p)
			}
		}
		for how, m := range methodReadings(r, query) {
			if m == http.MethodDelete {
				note("%s reads a DELETE", how)
			}
		}
		for _, name := range queryReadings(query) {
			if name == "drop" {
				note("some read the parameter drop")
			}
		}
	case "allow":
		for how, p := range pathReadings("/"+below, r.Header) {
			if p != "/open" && !strings.HasPrefix(p, "/open/") {
				note("%s reads %s", how, p)
			}
		}
	case "body":
		if err == nil { // a server that has no end of the body does nothing
			for how, role := range bodyReadings(body) {
				if role == "admin" {
					note("%s reads an admin", how)
				}
			}
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.got++
	u.told = append(u.told, bad...)
}

// pathReadings are the paths that kinds of servers would serve.
func pathReadings(raw string, h http.Header) map[string]string {
	once := decodeOnce(raw)
	all := map[string]string{"a plain server": once}
	// nginx decodes, then joins slashes and resolves dots.
	all["nginx"] = path.Clean("/" + once)
	// Servlet containers drop parameters before they decode.
	segments := strings.Split(raw, "/")
	for i, s := range segments {
		segments[i], _, _ = strings.Cut(s, ";")
	}
	all["a servlet container"] = path.Clean("/" + decodeOnce(strings.Join(segments, "/")))
	// IIS decodes again what is behind it, knows no case, and Windows neither the
	// dots and spaces at the end of a name, nor its streams.
	segments = strings.Split(strings.ReplaceAll(strings.ToLower(decodeOnce(once)), `\`, "/"), "/")
	for i, s := range segments {
		s, _, _ = strings.Cut(s, "::$")
		if trimmed := strings.TrimRight(s, ". "); trimmed != "" {
			segments[i] = trimmed
		}
	}
	all["IIS"] = path.Clean("/" + strings.Join(segments, "/"))
	// What is parsed again as an address ends at ? and #.
	again := once
	if i := strings.IndexAny(once, "?#"); i >= 0 {
		again = once[:i]
	}
	all["a gateway"] = again
	cut, _, _ := strings.Cut(once, "\x00")
	all["C"] = cut
	for _, name := range []string{"X-Original-Url", "X-Rewrite-Url"} {
		if v := h.Get(name); v != "" {
			all[name] = v
		}
	}
	return all
}

// methodReadings are the methods that kinds of servers would carry out.
func methodReadings(r *http.Request, query string) map[string]string {
	all := map[string]string{"a plain server": r.Method, "one that tells no case": strings.ToUpper(r.Method)}
	for name, values := range r.Header {
		switch strings.ToLower(strings.ReplaceAll(name, "_", "-")) {
		case "x-http-method-override", "x-http-method", "x-method-override":
			all[name] = strings.ToUpper(values[0])
		}
	}
	for part := range strings.FieldsFuncSeq(query, func(c rune) bool { return c == '&' || c == ';' }) {
		name, value, _ := strings.Cut(part, "=")
		if strings.EqualFold(decodeOnce(name), "_method") {
			all["?_method"] = strings.ToUpper(decodeOnce(value))
		}
	}
	return all
}

// queryReadings are the names of parameters that kinds of servers would see.
func queryReadings(query string) (names []string) {
	for _, separators := range []string{"&", "&;"} {
		for part := range strings.FieldsFuncSeq(query, func(c rune) bool { return strings.ContainsRune(separators, c) }) {
			name, _, _ := strings.Cut(part, "=")
			once := strings.ReplaceAll(decodeOnce(name), "+", " ")
			php, _, _ := strings.Cut(strings.TrimLeft(once, " "), "[")
			names = append(names, once, decodeOnce(once), strings.ToLower(once), php)
		}
	}
	return names
}

// bodyReadings are the roles that kinds of JSON parsers would find.
func bodyReadings(body []byte) map[string]any {
	all := map[string]any{}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	for how, text := range map[string][]byte{"": body, " in valid UTF-8": bytes.ToValidUTF8(body, nil), " without NUL": bytes.ReplaceAll(body, []byte(`\u0000`), nil)} {
		var typed struct {
			Role any `json:"role"` // the last one, in any case
		}
		dec := json.NewDecoder(bytes.NewReader(text)) // and more may follow
		if dec.Decode(&typed) == nil {
			all["Go"+how] = typed.Role
		}
		var loose map[string]any
		if json.NewDecoder(bytes.NewReader(text)).Decode(&loose) == nil {
			all["the last one wins"+how] = loose["role"]
		}
		all["the first one wins"+how] = firstRole(text)
	}
	return all
}

// firstRole is the value of the first role in an object.
func firstRole(text []byte) any {
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil
		}
		var value any
		if dec.Decode(&value) != nil {
			return nil
		}
		if name == "role" {
			return value
		}
	}
	return nil
}

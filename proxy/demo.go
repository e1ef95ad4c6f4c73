package proxy

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"unicode/utf8"
)

// demoScheme is the scheme of lockbox://demo, the built-in echo.
const demoScheme = "lockbox"

// maxDemoBody is how much of a body the echo takes, in bytes.
const maxDemoBody = 1 << 20

// demo answers a call with what an upstream would have seen of it, so that there
// is something to call before the first API is set up. It uses no network.
type demo struct {
	hidden []string // headers that hold the credential
}

// RoundTrip implements http.RoundTripper.
func (d *demo) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(io.LimitReader(r.Body, maxDemoBody+1))
		_ = r.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	echo := struct {
		Method  string            `json:"method"`
		Path    string            `json:"path"`
		Query   string            `json:"query"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
	}{r.Method, r.URL.RequestURI(), r.URL.RawQuery, map[string]string{}, ""}
	if u := *r.URL; u.RawQuery != "" || u.ForceQuery {
		u.RawQuery, u.ForceQuery = "", false
		echo.Path = u.RequestURI()
	}
	shown := r.Header.Clone()
	for _, name := range append([]string{"Authorization", "Cookie", "Proxy-Authorization"}, d.hidden...) {
		shown.Del(name)
	}
	for name, values := range shown {
		if len(values) > 0 && values[0] != "" {
			echo.Headers[name] = values[0]
		}
	}
	status := http.StatusOK
	switch {
	case len(body) > maxDemoBody:
		status = http.StatusRequestEntityTooLarge
		echo.Body = "The demo echoes bodies of up to " + strconv.Itoa(maxDemoBody) + " bytes."
	case utf8.Valid(body):
		echo.Body = string(body)
	default:
		echo.Body = strconv.Itoa(len(body)) + " bytes that are no text"
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(echo); err != nil {
		return nil, err
	}
	res := &http.Response{
		StatusCode: status, Status: strconv.Itoa(status) + " " + http.StatusText(status),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/json"}, "Content-Length": {strconv.Itoa(text.Len())}},
		ContentLength: int64(text.Len()),
		Body:          io.NopCloser(&text),
		Request:       r,
	}
	if r.Method == http.MethodHead {
		res.Body = http.NoBody
	}
	return res, nil
}

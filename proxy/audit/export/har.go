package export

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"lockbox/proxy/audit"
)

// archive writes HAR 1.2 (w3c.github.io/web-performance/specs/HAR/Overview.html).
// Fields of ours begin with _, as it asks for.
type archive struct {
	out           *bufio.Writer
	base, version string
	some          bool // an entry was written
}

type harCreator struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type harEntry struct {
	Started  time.Time   `json:"startedDateTime"`
	Time     float64     `json:"time"` // milliseconds, as in timings
	Request  harRequest  `json:"request"`
	Response harResponse `json:"response"`
	Cache    struct{}    `json:"cache"`
	Timings  harTimings  `json:"timings"`
	Comment  string      `json:"comment"`
	ID       string      `json:"_id"`
	Service  string      `json:"_service,omitempty"`
	Audience string      `json:"_audience,omitempty"`
	Token    string      `json:"_token,omitempty"`
	Listener string      `json:"_listener"`
	Decision string      `json:"_decision"`
	ReplayOf string      `json:"_replayOf,omitempty"`
}

type harPair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type harRequest struct {
	Method      string    `json:"method"`
	URL         string    `json:"url"`
	Version     string    `json:"httpVersion"`
	Cookies     []harPair `json:"cookies"` // are never on record
	Headers     []harPair `json:"headers"`
	Query       []harPair `json:"queryString"`
	Post        *harPost  `json:"postData,omitempty"`
	HeadersSize int       `json:"headersSize"` // -1: not known
	BodySize    int64     `json:"bodySize"`
}

type harPost struct {
	Type    string `json:"mimeType"`
	Text    string `json:"text"`
	Comment string `json:"comment,omitempty"`
}

type harResponse struct {
	Status      int        `json:"status"`
	Text        string     `json:"statusText"`
	Version     string     `json:"httpVersion"`
	Cookies     []harPair  `json:"cookies"`
	Headers     []harPair  `json:"headers"`
	Content     harContent `json:"content"`
	Redirect    string     `json:"redirectURL"`
	HeadersSize int        `json:"headersSize"`
	BodySize    int64      `json:"bodySize"`
}

type harContent struct {
	Size     int64  `json:"size"`
	Type     string `json:"mimeType"`
	Text     string `json:"text,omitempty"`
	Encoding string `json:"encoding,omitempty"`
	Comment  string `json:"comment,omitempty"`
}

type harTimings struct {
	Send    float64 `json:"send"`
	Wait    float64 `json:"wait"`
	Receive float64 `json:"receive"`
}

func (a *archive) begin() error {
	creator, err := json.Marshal(harCreator{"Lockbox", a.version})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, `{"log":{"version":"1.2","creator":%s,"entries":[`, creator)
	return err
}

func (a *archive) record(x *audit.Exchange) error {
	if x.Decision == audit.Noted {
		return nil // no call
	}
	entry, err := json.Marshal(a.entry(x))
	if err != nil {
		return err
	}
	separator := "\n"
	if a.some {
		separator = ",\n"
	}
	a.some = true
	_, err = a.out.WriteString(separator)
	if err == nil {
		_, err = a.out.Write(entry)
	}
	return err
}

func (a *archive) end() error {
	_, err := a.out.WriteString("\n]}}\n")
	return err
}

func (a *archive) entry(x *audit.Exchange) harEntry {
	// How long its parts took is not on record.
	took := milliseconds(x.Duration)
	e := harEntry{
		Started: x.Time, Time: took, Timings: harTimings{Wait: took},
		Comment: string(x.Decision),
		ID:      x.ID, Service: x.Service, Audience: x.Audience, Token: x.JTI, Listener: x.Listener, Decision: string(x.Decision), ReplayOf: x.ReplayOf,
	}
	if x.Reason != "" {
		e.Comment += ": " + x.Reason
	}
	e.Request = harRequest{
		Method: x.Method, URL: a.url(x), Version: "HTTP/1.1",
		Cookies: []harPair{}, Headers: pairs(x.RequestHeader), Query: parameters(x.Query),
		HeadersSize: -1, BodySize: x.BytesIn,
	}
	if b := x.RequestBody; b != nil {
		c := content(b, x.RequestHeader)
		e.Request.Post = &harPost{c.Type, c.Text, c.Comment}
		if c.Encoding != "" { // here HAR has no place to say so
			e.Request.Post.Comment = strings.TrimSuffix("the text is in "+c.Encoding+"; "+c.Comment, "; ")
		}
	}
	e.Response = harResponse{
		Status: x.Status, Text: http.StatusText(x.Status), Version: "HTTP/1.1",
		Cookies: []harPair{}, Headers: pairs(x.ResponseHeader), Content: content(x.ResponseBody, x.ResponseHeader),
		Redirect: x.ResponseHeader.Get("Location"), HeadersSize: -1, BodySize: x.BytesOut,
	}
	return e
}

// url is where the call went, here. What came is not always a URL to the letter
// (RFC 3986).
func (a *archive) url(x *audit.Exchange) string {
	raw := x.Path
	if x.Query != "" {
		raw += "?" + x.Query
	}
	var b strings.Builder
	b.WriteString(a.base)
	if !strings.HasPrefix(raw, "/") { // the target of a CONNECT, for instance
		b.WriteByte('/')
	}
	for i := range len(raw) {
		c := raw[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}[]#", c) >= 0 || c == '%' && !encoded(raw[i:]) {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func encoded(s string) bool {
	_, err := url.PathUnescape(s[:min(len(s), 3)])
	return err == nil
}

func pairs(h http.Header) []harPair {
	out := []harPair{}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, v := range h[name] {
			out = append(out, harPair{name, v})
		}
	}
	return out
}

// parameters takes a query apart. What is no valid encoding stays as it is.
func parameters(query string) []harPair {
	out := []harPair{}
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		for _, s := range []*string{&name, &value} {
			if plain, err := url.QueryUnescape(*s); err == nil {
				*s = plain
			}
		}
		out = append(out, harPair{name, value})
	}
	return out
}

// content is a body, unpacked. Of one that is not all on record the size is that
// of what was sent.
func content(b *audit.Body, h http.Header) harContent {
	c := harContent{Type: h.Get("Content-Type")}
	if c.Type == "" {
		c.Type = "x-unknown" // as browsers write
	}
	if b == nil {
		return c
	}
	c.Text, c.Size = b.Text, int64(len(b.Text))
	if len(b.Base64) > 0 {
		c.Text, c.Size, c.Encoding = base64.StdEncoding.EncodeToString(b.Base64), int64(len(b.Base64)), "base64"
	}
	c.Comment = b.Note
	if b.Truncated || b.Note != "" {
		c.Size = b.Size
	}
	if b.Truncated {
		c.Comment = strings.TrimPrefix(c.Comment+"; only the beginning is on record", "; ")
	}
	return c
}

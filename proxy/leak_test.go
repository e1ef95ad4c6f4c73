package proxy

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/guard"
	"lockbox/proxy/secret"
)

const leakKey = `sk-leak/0123456789+abcdef"xyz`

var leakCredential = fmt.Sprintf(`"credential": {"type": "bearer", "token": %q}`, leakKey)

// told collects what a lab's server tells of leaks.
type told struct {
	mu  sync.Mutex
	all []Leak
}

func (d *told) to(l *lab) {
	o := l.opts
	o.Metrics = true
	o.OnLeak = func(x Leak) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.all = append(d.all, x)
	}
	drain, lanes := l.drain, l.lanes
	l.Server = New(o)
	l.drain, l.lanes = drain, lanes
}

func zipped(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.Bytes()
}

// TestLeakGuard: whatever part of an answer has the key, the caller gets a mark in
// its place, and the owner gets to know.
func TestLeakGuard(t *testing.T) {
	quoted, _ := json.Marshal(leakKey)
	long := strings.Repeat("0123456789", 10<<10)
	type answer struct {
		raw    string // the upstream's, whole
		body   string // that the caller gets
		header string // a line of it: name: value
		reason string // of the record, after its common beginning
	}
	length := func(head, body string) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s", head, len(body), body)
	}
	chunked := func(head string, chunks ...string) string {
		s := "HTTP/1.1 200 OK\r\n" + head + "Transfer-Encoding: chunked\r\n\r\n"
		for _, c := range chunks {
			s += fmt.Sprintf("%x\r\n%s\r\n", len(c), c)
		}
		return s + "0\r\n"
	}
	answers := map[string]answer{
		"clean":            {length("Etag: \"1\"\r\n", "hello"), "hello", `Etag: "1"`, ""},
		"body":             {length("Etag: \"1\"\r\nContent-Md5: x\r\n", "a "+leakKey+" b"), "a " + guard.Mark + " b", `Etag: W/"1"`, "body 1."},
		"JSON":             {length("", `{"key":`+string(quoted)+`}`), `{"key":"` + guard.Mark + `"}`, "Content-Length: 31", "body 1."},
		"base64":           {length("", base64.StdEncoding.EncodeToString([]byte("me:"+leakKey))), "", "", "body 1."},
		"twice":            {length("", leakKey+leakKey), guard.Mark + guard.Mark, "Content-Length: 42", "body 2."},
		"long":             {length("Etag: \"1\"\r\n", long+leakKey+long), long + guard.Mark + strings.Repeat("*", len(leakKey)-len(guard.Mark)) + long, `Etag: "1"`, "body 1."},
		"header":           {length("X-Debug: you sent "+leakKey+"\r\n", "hello"), "hello", "X-Debug: you sent " + guard.Mark, "header 1."},
		"header, no body":  {"HTTP/1.1 204 No Content\r\nX-Debug: " + leakKey + "\r\n\r\n", "", "X-Debug: " + guard.Mark, "header 1."},
		"header and body":  {length("X-Debug: "+leakKey+"\r\n", leakKey), guard.Mark, "X-Debug: " + guard.Mark, "header 1, body 1."},
		"Location":         {"HTTP/1.1 302 Found\r\nLocation: https://a.example/?k=" + url.QueryEscape(leakKey) + "\r\nContent-Length: 0\r\n\r\n", "", "Location: https://a.example/?k=" + guard.Mark, "header 1."},
		"reason phrase":    {"HTTP/1.1 200 OK " + leakKey + "\r\nContent-Length: 2\r\n\r\nhi", "hi", "", ""},
		"chunks":           {chunked("", "a sk-leak/0123", `456789+abcdef"xyz b`) + "\r\n", "a " + guard.Mark + " b", "", "body 1."},
		"trailer":          {chunked("Trailer: X-Sum\r\n", "hello") + "X-Sum: " + leakKey + "\r\n\r\n", "hello", "", "trailer 1."},
		"until the end":    {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\na " + leakKey + " b", "a " + guard.Mark + " b", "", "body 1."},
		"gzip":             {length("Content-Encoding: gzip\r\n", string(zipped(leakKey))), guard.Mark, "", "body 1."},
		"gzip in chunks":   {chunked("Content-Encoding: gzip\r\nEtag: \"1\"\r\n", string(zipped("a "+leakKey+" b"))) + "\r\n", "a " + guard.Mark + " b", `Etag: W/"1"`, "body 1."},
		"a part":           {"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-36/100\r\nContent-Length: 29\r\n\r\n" + leakKey, guard.Mark + "********", "Content-Range: bytes 5-36/100", "body 1."},
		"nearly a key":     {length("", leakKey[:20]), leakKey[:20], "", ""},
		"nearly, and more": {chunked("", leakKey[:20], "x") + "\r\n", leakKey[:20] + "x", "", ""},
	}
	up := rawUpstream(t, func(c net.Conn) {
		br := bufio.NewReader(c)
		for {
			_ = c.SetReadDeadline(time.Now().Add(2 * time.Second)) // nobody else closes what is idle
			r, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			name, _ := url.QueryUnescape(strings.TrimPrefix(r.URL.Path, "/"))
			printf(c, "%s", answers[name].raw)
			if name == "until the end" {
				return
			}
		}
	})
	d := &told{}
	l := newLab(t, services("e", open(up, leakCredential), "off", open(up, leakCredential, unguarded)), d.to)
	leaks := 0
	for name, tt := range answers {
		t.Run(name, func(t *testing.T) {
			d.all = nil
			r := get(t, l.url+"/s/e/"+url.PathEscape(name), "Accept-Encoding", "gzip")
			if r.err != nil || tt.body != "" && r.body != tt.body {
				t.Errorf("%.200q, %v, want %.200q", r.body, r.err, tt.body)
			}
			if r.header.Get("Content-Encoding") != "" {
				t.Errorf("header %v", r.header)
			}
			if name, value, ok := strings.Cut(tt.header, ": "); ok && r.header.Get(name) != value {
				t.Errorf("%s is %q, want %q", name, r.header.Get(name), value)
			}
			if all := fmt.Sprint(r.header, r.body, r.trailer); strings.Contains(all, leakKey) {
				t.Error("the caller got the key")
			}
			x := l.exchanges(t)[0]
			const common = "leak_guard: The upstream put the credential into its answer, and it was replaced: "
			want := ""
			if tt.reason != "" {
				want = common + tt.reason
				leaks++
			}
			if x.Reason != want || x.Decision != audit.Allowed {
				t.Errorf("record %q, %s; want %q", x.Reason, x.Decision, want)
			}
			if (len(d.all) == 1) != (want != "") || len(d.all) == 1 && (d.all[0].Service != "e" || !strings.HasPrefix(tt.reason, d.all[0].Where)) {
				t.Errorf("told of %v, want %q", d.all, want)
			}
			if name == "trailer" && r.trailer.Get("X-Sum") != guard.Mark {
				t.Errorf("trailer %v", r.trailer)
			}
			if r := get(t, l.url+"/s/off/"+url.PathEscape(name), "Accept-Encoding", "gzip"); strings.HasPrefix(name, "body") && !strings.Contains(r.body, leakKey) {
				t.Errorf("with the guard off: %q", r.body)
			}
		})
	}
	if all := l.recorded(t); strings.Contains(all, "0123456789+abcdef") {
		t.Error("the key is on record or in the log")
	}
	if got := scraped(t, l)["lockbox_leaks_total{service=e}"]; got < float64(leaks) {
		t.Errorf("%v leaks are counted, want %d and those that came twice", got, leaks)
	}
}

// TestLeakGuardSample sends generated answers through, in pieces as the network
// makes them. The guard's own test has more of them.
func TestLeakGuardSample(t *testing.T) {
	type sample struct {
		body   []byte
		packed bool
		length bool
		cuts   []int // the sizes of what is written at a time, less than 0: and flushed
	}
	next := make(chan sample, 1)
	up := upstreamOf(t, func(w http.ResponseWriter, _ *http.Request) {
		s := <-next
		if s.packed {
			w.Header().Set("Content-Encoding", "gzip")
		}
		if s.length {
			w.Header().Set("Content-Length", strconv.Itoa(len(s.body)))
		}
		for _, n := range s.cuts {
			_, _ = w.Write(s.body[:max(n, -n)])
			if n < 0 {
				w.(http.Flusher).Flush()
			}
			s.body = s.body[max(n, -n):]
		}
	})
	r := rand.New(rand.NewPCG(21, 22))
	l := newLab(t, services("e", open(up.URL, leakCredential)))
	g := guard.New(secret.New(leakKey))
	forms := secret.EveryForm(secret.New(leakKey))
	for n := range 600 {
		form := forms[n%len(forms)]
		noise := func() string {
			return strings.Repeat([]string{"", "x ", `{"id": 1}, `, "sk-leak/", `\u00e9`}[r.IntN(5)], r.IntN(20)*(1+r.IntN(1+n%7*40)))
		}
		text := noise() + form + noise()
		s := sample{body: []byte(text), packed: r.IntN(3) == 0, length: r.IntN(2) == 0}
		if s.packed {
			s.body = zipped(text)
		}
		for left := len(s.body); left > 0; {
			cut := min(left, 1+r.IntN(2*left))
			left -= cut
			s.cuts = append(s.cuts, cut*(1-2*r.IntN(2)))
		}
		next <- s
		got := get(t, l.url+"/s/e/x", "Accept-Encoding", "gzip")
		want, _ := g.Text(text)
		if len(form) < guard.MinLength || got.err != nil || got.header.Get("Content-Encoding") != "" || g.Has(got.body) || len(got.body) != len(text) && got.body != want {
			t.Fatalf("%d, %q: %v, %v, %.300q", n, form, got.err, got.header, got.body)
		}
	}
	for _, x := range l.exchanges(t) {
		if !strings.HasPrefix(x.Reason, "leak_guard: ") {
			t.Fatalf("record %q", x.Reason)
		}
	}
}

// TestLeakGuardStrict: what cannot be read goes on as it came, or with strict not
// at all.
func TestLeakGuardStrict(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Accept", r.Header.Get("Accept-Encoding"))
		w.Header().Set("Content-Encoding", r.URL.Query().Get("is"))
		if r.URL.Query().Get("status") != "" {
			w.WriteHeader(http.StatusPartialContent)
		}
		printf(w, "what %s is", r.URL.Query().Get("is"))
		if r.URL.Query().Get("long") != "" {
			printf(w, "%s", strings.Repeat(" and that", 1000))
		}
	})
	l := newLab(t, services("on", open(up.URL, leakCredential), "strict", open(up.URL, leakCredential, `"leak_guard": "strict"`), "short", open(up.URL, `"credential": {"type": "headers", "headers": {"X-Key": "short"}}`)))
	if all := strings.Join(l.Report().Warnings, "; "); !strings.Contains(all, `service "short": leak_guard: a part of the credential has less than 8 bytes`) || strings.Contains(all, `"strict": leak_guard`) {
		t.Errorf("warnings %q", all)
	}
	for _, query := range []string{"?is=compress", "?is=gzip", "?is=zstd,compress", "?is=gzip&status=206"} {
		r := get(t, l.url+"/s/on/x"+query, "Accept-Encoding", "gzip, compress")
		if r.status != 200 && r.status != 206 || !strings.HasPrefix(r.body, "what ") || r.header.Get("Content-Encoding") == "" || r.header.Get("X-Accept") != "gzip" {
			t.Errorf("%s: %d %v %q", query, r.status, r.header, r.body)
		}
		r = get(t, l.url+"/s/strict/x"+query)
		if r.status != 502 || r.code(t) != "leak_guard" {
			t.Errorf("strict, %s: %d %q", query, r.status, r.body)
		}
		if x := l.exchanges(t)[0]; x.Decision != audit.Failed || !strings.HasPrefix(x.Reason, "leak_guard: The answer of service \"strict\" ") {
			t.Errorf("record %s, %q", x.Decision, x.Reason)
		}
	}
	if r := get(t, l.url+"/s/strict/x?is=identity"); r.status != 200 || r.body != "what identity is" {
		t.Errorf("%d %q", r.status, r.body)
	}
	// Mid-stream there is nothing else but to break off.
	if res, err := client.Get(l.url + "/s/strict/x?is=gzip&long=1"); err == nil {
		if r := finish(res); r.err == nil {
			t.Errorf("it seems to be whole: %d %q", r.status, r.body)
		}
	}
}

// TestLeakGuardStreams: events go on at once, and one that may be the beginning
// of a key when it is known not to be.
func TestLeakGuardStreams(t *testing.T) {
	next := make(chan string)
	up := upstreamOf(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for text := range next {
			_, _ = io.WriteString(w, text)
			w.(http.Flusher).Flush()
		}
	})
	l := newLab(t, services("e", open(up.URL, leakCredential)))
	go func() { next <- "data: 0\n\n" }()
	res, err := client.Get(l.url + "/s/e/x")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	for _, tt := range []struct{ sent, got string }{
		{"", "data: 0\n\n"}, {"data: sk-le", "data: "}, {"gal\n\n", "sk-legal\n\n"}, {leakKey[:9], ""}, {leakKey[9:], guard.Mark}, {"data: 1\n\n", "data: 1\n\n"},
	} {
		if tt.sent != "" {
			next <- tt.sent
		}
		p := make([]byte, len(tt.got))
		if _, err := io.ReadFull(res.Body, p); string(p) != tt.got || err != nil {
			t.Fatalf("%q, %v; want %q", p, err, tt.got)
		}
	}
	close(next)
	if r := finish(res); r.err != nil || r.body != "" {
		t.Errorf("%q, %v at the end", r.body, r.err)
	}
}

// TestLeakGuardSlow: what takes longer than an answer is held for goes on as it
// comes, to its end, to where it breaks off, or until the caller leaves.
func TestLeakGuardSlow(t *testing.T) {
	packed := zipped("a " + leakKey + " b" + strings.Repeat(" and more", 1000))
	began, left := make(chan struct{}), make(chan struct{}, 1)
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		body, query := []byte("a "+leakKey+" b"), r.URL.Query()
		if query.Get("is") != "" {
			body = packed
			w.Header().Set("Content-Encoding", "gzip")
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body[:len(body)/2])
		w.(http.Flusher).Flush()
		switch query.Get("then") {
		case "break":
			time.Sleep(250 * time.Millisecond)
			panic(http.ErrAbortHandler)
		case "leave":
			began <- struct{}{}
			<-r.Context().Done()
			left <- struct{}{}
			return
		}
		time.Sleep(250 * time.Millisecond)
		_, _ = w.Write(body[len(body)/2:])
	})
	l := newLab(t, services("e", open(up.URL, leakCredential)))
	for range 3 { // on a connection that was used, too
		for _, is := range []string{"", "gzip"} {
			want := "a " + guard.Mark + strings.Repeat("*", len(leakKey)-len(guard.Mark)) + " b"
			if is != "" {
				want = "a " + guard.Mark + " b" + strings.Repeat(" and more", 1000)
			}
			if r := get(t, l.url+"/s/e/x?is="+is, "Accept-Encoding", "gzip"); r.err != nil || r.body != want {
				t.Errorf("%q: %.200q, %v; want %.200q", is, r.body, r.err, want)
			}
			if res, err := client.Do(request(t, "GET", l.url+"/s/e/x?then=break&is="+is, nil, "Accept-Encoding", "gzip")); err == nil {
				if r := finish(res); r.err == nil {
					t.Errorf("%q, broken off: it seems to be whole: %d %.200q", is, r.status, r.body)
				}
			}
			ctx, leave := context.WithCancel(t.Context())
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				if res, err := client.Do(request(t, "GET", l.url+"/s/e/x?then=leave&is="+is, nil, "Accept-Encoding", "gzip").WithContext(ctx)); err == nil {
					_ = finish(res)
				}
			}()
			<-began
			leave()
			<-gone
			<-left
		}
	}
	for _, x := range l.exchanges(t) {
		if want := strings.Contains(x.Query, "then="); (x.Decision == audit.Failed) != want {
			t.Errorf("record %+v", x)
		}
	}
}

// TestLeakGuardInterim: the answers before the answer have headers too.
func TestLeakGuardInterim(t *testing.T) {
	up := rawUpstream(t, func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			printf(c, "HTTP/1.1 103 Early Hints\r\nLink: </x?k=%s>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", url.QueryEscape(leakKey))
		}
	})
	l := newLab(t, services("e", open(up, leakCredential)))
	hint := ""
	r := request(t, "GET", l.url+"/s/e/x", nil)
	got := do(t, r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(_ int, h textproto.MIMEHeader) error { hint = h.Get("Link"); return nil },
	})))
	if got.body != "hi" || !strings.HasSuffix(hint, "/x?k="+guard.Mark+">") {
		t.Errorf("%q, hint %q", got.body, hint)
	}
	if x := l.exchanges(t)[0]; !strings.HasSuffix(x.Reason, "header 1.") {
		t.Errorf("record %q", x.Reason)
	}
}

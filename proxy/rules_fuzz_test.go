package proxy

import (
	"bufio"
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// readerLab has a service of each kind before a reader.
func readerLab(t testing.TB) (*lab, *reader) {
	u := &reader{}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(u.serve), ReadHeaderTimeout: time.Minute, ErrorLog: silentLog()}
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close() })
	base := "http://" + ln.Addr().String()
	return newLab(t, services(
		"deny", open(base+"/deny", `"rules": [{"action": "deny", "path": "/admin/**"}, {"action": "deny", "methods": ["DELETE"]}, {"action": "deny", "query": {"drop": true}}]`),
		"allow", open(base+"/allow", `"rules": [{"action": "allow", "path": "/open/**"}]`),
		"body", open(base+"/body", `"rules": [{"action": "deny", "body": {"/role": "admin"}}]`),
	), func(l *lab) { l.opts.Audit = nil }), u
}

// hostile is one request on the wire.
type hostile struct {
	service, method, path, query, header, body string
	chunked                                    bool
}

// send makes a call as it stands. What is no request at all is left out.
func (h hostile) send(t testing.TB, l *lab, u *reader) (status int) {
	t.Helper()
	for _, s := range []string{h.method, h.path, h.query, h.header} {
		if strings.ContainsAny(s, "\r\n") {
			return 0
		}
	}
	if h.method == "" || strings.Contains(h.method, " ") || strings.Contains(h.path+h.query, " ") {
		return 0
	}
	conn, err := net.Dial("tcp", l.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	printf(&b, "%s /s/%s%s", h.method, h.service, h.path)
	if h.query != "" {
		printf(&b, "?%s", h.query)
	}
	printf(&b, " HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Type: application/json\r\n", l.addr)
	if h.header != "" {
		printf(&b, "%s\r\n", h.header)
	}
	if h.chunked {
		printf(&b, "Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", max(len(h.body), 1), h.body+strings.Repeat(" ", max(1-len(h.body), 0)))
		printf(&b, "0\r\n\r\n")
	} else {
		printf(&b, "Content-Length: %d\r\n\r\n%s", len(h.body), h.body)
	}
	if _, err := conn.Write(b.Bytes()); err != nil {
		return 0 // it was refused before it was over
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	for _, v := range u.violations() {
		t.Errorf("%+v was forwarded: %s", h, v)
	}
	return res.StatusCode
}

// maker writes a thing in the ways in which filters are got round.
type maker struct{ *rand.Rand }

func (m maker) oneOf(texts ...string) string { return texts[m.IntN(len(texts))] }

// spelt writes a text with some of its characters as codes, and in some case.
func (m maker) spelt(s string, rate int) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if m.IntN(rate) == 0 && c > ' ' {
			if m.IntN(2) == 0 {
				c = strings.ToUpper(string(c))[0]
			}
			printf(&b, m.oneOf("%%%02x", "%%%02X", "%%25%02x", "%%u%04x", "%c", "%c"), c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

func (m maker) path() string {
	var b strings.Builder
	for range max(m.IntN(5)-2, 0) {
		b.WriteString(m.oneOf("/open", "/x", "/open/..", "/.", "/", "/open;a", "/a%2f..", "/%2e", "/x\\..", "/open%2f", "/%ef%bc%8f"))
	}
	b.WriteString(m.spelt(m.oneOf("/admin", "/admin/x", "/open/x", "/open/y.z", "/open", "/open/../admin", "//admin", `/\admin`), []int{3, 20, 1000}[m.IntN(3)]))
	b.WriteString(m.oneOf("", "", "", "", "", "", "", "", "", "/", "/x", "/y/z", ".", "%20", ";x", "%00", "%3f", "%23", "..;/", "/.", "::$DATA", "%2e", "/..", "/%2e%2e/admin"))
	return b.String()
}

func (m maker) query() string {
	part := func() string {
		return m.oneOf(m.spelt("drop", 4)+"="+m.oneOf("1", "", "a;b"), m.spelt("_method", 8)+"="+m.spelt("DELETE", 8), "a=1", "a=%zz", "+drop=1", "drop[]=1", "drop[a]=1", "drop", "Drop=1", "a=1;drop=1", "", "dropped=1")
	}
	return m.oneOf("", "", "", "a=1", part(), part()+"&"+part())
}

func (m maker) body() string {
	key := func() string {
		return m.oneOf(`"role"`, `"Role"`, `"ROLE"`, `"r\u006fle"`, `"role\u0000"`, `"other"`, `"role "`, "\"ro\xffle\"", `"\u017fole"`)
	}
	value := func() string {
		return m.oneOf(`"admin"`, `"user"`, `"\u0061dmin"`, `"admin\u0000"`, `["admin"]`, `null`, `1`, `{"role": "admin"}`, "\"ad\xffmin\"", `"ADMIN"`)
	}
	var members []string
	for range 1 + m.IntN(3) {
		members = append(members, key()+": "+value())
	}
	return m.oneOf("", "", "", "\xef\xbb\xbf", " ", "[") + "{" + strings.Join(members, ", ") + "}" + m.oneOf("", "", "", " {}", ",", "]", "\x00")
}

func (m maker) hostile() hostile {
	h := hostile{service: m.oneOf("deny", "allow", "body"), method: m.oneOf("GET", "GET", "POST", "PUT", "DELETE", "delete"), chunked: m.IntN(4) == 0}
	if h.service == "body" {
		h.method, h.path, h.body = "POST", "/x", m.body()
		return h
	}
	h.path, h.query = m.path(), m.query()
	h.header = m.oneOf("", "", "", "", "", "X-A: b", "X-HTTP-Method-Override: DELETE", "x_http_method_override: delete", "X-Original-URL: /admin", "X-Rewrite-Url: /admin/x", "X-Method-Override: DELETE")
	return h
}

// TestRulesAgainstReaders: of many hostile requests, none is forwarded that some
// server would take for one that the rules forbid.
func TestRulesAgainstReaders(t *testing.T) {
	l, u := readerLab(t)
	m := maker{rand.New(rand.NewPCG(7, 7))} //nolint:gosec // the same at each run
	statuses := map[int]int{}
	for range 4000 {
		statuses[m.hostile().send(t, l, u)]++
	}
	// The test says something only if calls get through, and others do not.
	if u.got < 100 || statuses[http.StatusForbidden] < 1000 || statuses[http.StatusOK] != u.got {
		t.Errorf("%d calls got through; statuses %v", u.got, statuses)
	}
}

// TestReadersTell: the readers do find what rules are there to forbid.
func TestReadersTell(t *testing.T) {
	for raw, want := range map[string]string{
		"/admin": "a plain server", "/%61dmin": "a plain server", "/x/..%2fadmin": "nginx", "/x//../admin": "nginx", "/admin;x": "a servlet container",
		"/ADMIN./": "IIS", "/%2561dmin": "IIS", `/\admin`: "IIS", "/admin%3fx": "a gateway", "/admin%00": "C",
	} {
		if p := strings.TrimSuffix(pathReadings(raw, nil)[want], "/"); p != "/admin" {
			t.Errorf("%s reads %s as %s", want, raw, p)
		}
	}
	for _, q := range []string{"drop=1", "DROP=1", "a=1;drop=1", "%2564rop", "+drop", "drop[a]=1"} {
		if !slices.Contains(queryReadings(q), "drop") {
			t.Errorf("%s is read as %q", q, queryReadings(q))
		}
	}
	for body, how := range map[string]string{`{"role":"admin","role":"x"}`: "the first one wins", `{"role":"x","role":"admin"}`: "the last one wins", `{"role":"x","ROLE":"admin"}`: "Go", `{"role":"admin"} x`: "Go"} {
		if bodyReadings([]byte(body))[how] != "admin" {
			t.Errorf("%s is read as %v", body, bodyReadings([]byte(body)))
		}
	}
	if u, err := url.Parse("/%61dmin"); err != nil || u.Path != "/admin" {
		t.Errorf("net/url: %v", err)
	}
}

// FuzzRules is TestRulesAgainstReaders from any beginning.
func FuzzRules(f *testing.F) {
	m := maker{rand.New(rand.NewPCG(1, 1))} //nolint:gosec // the same at each run
	for range 200 {
		h := m.hostile()
		f.Add(h.service, h.method, h.path, h.query, h.header, h.body, h.chunked)
	}
	l, u := readerLab(f)
	f.Fuzz(func(t *testing.T, service, method, path, query, header, body string, chunked bool) {
		if service != "deny" && service != "allow" {
			service = "body"
		}
		if header != "" && strings.ContainsAny(header[:1], " \t:") || strings.HasPrefix(strings.ToLower(header), "content-length") || strings.HasPrefix(strings.ToLower(header), "transfer-encoding") {
			header = "" // what the framing makes of it is another test's
		}
		hostile{service, method, path, query, header, body, chunked}.send(t, l, u)
	})
}

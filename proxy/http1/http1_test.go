package http1

import (
	"bufio"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

var requests = []struct {
	head  string
	plain bool
}{
	{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
	{"GET /a%2Fb;x?q=%zz&r=[] HTTP/1.1\r\nhost:  127.0.0.1:80 \r\nX-A:\r\nx-a: 1\r\n\r\n", true},
	{"POST /x HTTP/1.1\r\nHost: [::1]:8\r\nContent-Length: 12\r\nConnection: Keep-Alive\r\n\r\n", true},
	{"DELETE /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nCookie: a=b\r\n\r\n", true},

	{"GET / HTTP/1.0\r\nHost: a\r\n\r\n", false},
	{"GET / HTTP/1.1\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", false},
	{"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", false},
	{"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", false},
	{"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", false},
	{"GET * HTTP/1.1\r\nHost: a\r\n\r\n", false},
	{"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", false},
	{"GET /%4 HTTP/1.1\r\nHost: a\r\n\r\n", false},
	{"GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", false},
	{"GET /é HTTP/1.1\r\nHost: a\r\n\r\n", false},
	{"get / HTTP/1.1\r\nHost: a\r\n\r\n", false},
	{"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", false},
	{"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", false},
	{"GET / HTTP/1.1\nHost: a\n\n", false},
	{"GET / HTTP/1.1\r\nHost: a\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", false},
	{"GET / HTTP/1.1\r\n Host: a\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nX: \xff\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 05\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nTransfer_Encoding: chunked\r\n\r\n", true}, // is another name
	{"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nConnection: close, x\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n", false},
	{"GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: y\r\n", 100) + "\r\n", false},
}

func TestRequest(t *testing.T) {
	for _, tt := range requests {
		var r Request
		if got := r.Parse(tt.head); got != tt.plain {
			t.Errorf("%q: plain %v, want %v", tt.head, got, tt.plain)
		}
	}
}

// FuzzRequest: what is plain, net/http reads in the same way.
func FuzzRequest(f *testing.F) {
	for _, tt := range requests {
		f.Add(tt.head)
	}
	f.Fuzz(func(t *testing.T, head string) {
		i := strings.Index(head, "\r\n\r\n")
		if i < 0 {
			t.Skip()
		}
		head = head[:i+4]
		var r Request
		if !r.Parse(head) {
			return
		}
		want, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head)))
		if err != nil {
			t.Fatalf("%q: net/http says %v", head, err)
		}
		if r.Method != want.Method || r.Target != want.RequestURI || r.Host != want.Host || max(r.Length, 0) != want.ContentLength || r.Close != want.Close {
			t.Errorf("%q: %+v, want %+v", head, r, want)
		}
		got := http.Header{"Old": {"x"}}
		r.Fields.Header(got, nil)
		if want.Close {
			want.Header["Connection"] = got["Connection"] // net/http takes it out
		}
		if !reflect.DeepEqual(got, want.Header) {
			t.Errorf("%q: header %q, want %q", head, got, want.Header)
		}
	})
}

var responses = []struct {
	head  string
	plain bool
}{
	{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true},
	{"HTTP/1.1 404 \r\ncontent-length: 0\r\nConnection: close\r\nX: \xe9\r\n\r\n", true},
	{"HTTP/1.1 599 é\r\nContent-Length: 5\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n", true},

	{"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", false},
	{"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n", false},
	{"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n", false},
	{"HTTP/1.1 101 Switching Protocols\r\nContent-Length: 5\r\n\r\n", false},
	{"HTTP/1.1 20x OK\r\nContent-Length: 5\r\n\r\n", false},
	{"HTTP/1.1 2000 OK\r\nContent-Length: 5\r\n\r\n", false},
	{"HTTP/1.1 200 OK\r\n\r\n", false},
	{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", false},
	{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", false},
	{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTrailer: X\r\n\r\n", false},
	{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nKeep-Alive: timeout=5\r\n\r\n", false},
	{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n folded\r\n\r\n", false},
	{"HTTP/1.1 200 O\x00K\r\nContent-Length: 5\r\n\r\n", false},
	{"HTTP/1.1 200 OK\nContent-Length: 5\n\n", false},
}

func TestResponse(t *testing.T) {
	for _, tt := range responses {
		var r Response
		if got := r.Parse(tt.head); got != tt.plain {
			t.Errorf("%q: plain %v, want %v", tt.head, got, tt.plain)
		}
	}
}

// FuzzResponse: what is plain, net/http reads in the same way.
func FuzzResponse(f *testing.F) {
	for _, tt := range responses {
		f.Add(tt.head)
	}
	f.Fuzz(func(t *testing.T, head string) {
		i := strings.Index(head, "\r\n\r\n")
		if i < 0 {
			t.Skip()
		}
		head = head[:i+4]
		var r Response
		if !r.Parse(head) || r.Status == http.StatusNoContent || r.Status == http.StatusNotModified {
			return
		}
		want, err := http.ReadResponse(bufio.NewReader(strings.NewReader(head)), nil)
		if err != nil {
			t.Fatalf("%q: net/http says %v", head, err)
		}
		got := http.Header{}
		r.Fields.Header(got, nil)
		if r.Close {
			want.Header["Connection"] = got["Connection"] // net/http takes it out
		}
		if r.Status != want.StatusCode || r.Length != want.ContentLength || r.Close != want.Close || !reflect.DeepEqual(got, want.Header) {
			t.Errorf("%q: %+v, want %+v", head, r, want)
		}
	})
}

func BenchmarkRequest(b *testing.B) {
	const head = "GET /s/acme/orders?page=2 HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nUser-Agent: node\r\nAccept: */*\r\nauthorization: Bearer eyJ\r\nAccept-Encoding: gzip\r\n\r\n"
	var r Request
	h := http.Header{}
	var room []string
	b.ReportAllocs()
	for b.Loop() {
		if !r.Parse(head) {
			b.Fatal("not plain")
		}
		room = r.Fields.Header(h, room)
	}
}

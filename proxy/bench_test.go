package proxy

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/limit"
)

// What Lockbox adds to a call: compare with Direct.
func BenchmarkCall(b *testing.B) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"ok": true}`)
	}))
	b.Cleanup(up.Close)
	l := newLab(b, services("e", shut(up.URL, `"credential": {"type": "bearer", "token": "real-key-0001"}`)))
	auth := "Bearer " + l.token(b, "e")
	for name, url := range map[string]string{"Direct": up.URL, "Lockbox": l.url + "/s/e"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if r := get(b, url+"/x", "Authorization", auth); r.status != 200 {
						b.Errorf("%+v", r)
					}
				}
			})
		})
	}
}

// What a record takes of a call, at 64 connections.
func BenchmarkRecord(b *testing.B) {
	l := newLab(b, services("e", shut("http://127.0.0.1:1", `"credential": {"type": "bearer", "token": "real-key-0001"}`)))
	l.debug = false
	st, rt := l.state.Load(), l.state.Load().routes["e"]
	raw := l.token(b, "e")
	k, claims, err := st.judge(raw, rt, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	body := []byte(strings.Repeat(`{"id": 1234567, "ok": true}, `, 35))
	b.ReportAllocs()
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		in := httptest.NewRequest("GET", "/s/e/items?page=2", nil)
		in.Header = http.Header{"Authorization": {"Bearer " + raw}, "Accept": {"*/*"}, "User-Agent": {"curl/8.5.0"}}
		out := http.Header{"Content-Type": {"application/json"}, "Content-Length": {"1015"}, "Date": {"Sun, 06 Nov 1994 08:49:37 GMT"}, "Server": {"nginx"}, "Etag": {`"1a2b3c"`}}
		var shown [2]audit.Shown
		for pb.Next() {
			rec := l.newRecord(st, in, "/s/e/items", "local")
			rec.shown = &shown
			rec.service(st, "e")
			rec.known(k, claims)
			rec.answer(200, out)
			rec.lentByUpstream(body)
			if err := rec.finish(200, audit.Allowed, ""); err != nil {
				b.Error(err)
			}
		}
	})
}

// What limits add to a call. Whoever has none pays for none: Lockbox above.
func BenchmarkLimited(b *testing.B) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	b.Cleanup(up.Close)
	const all = `"rate_limit": {"requests": 1000000000, "per": "1s"}, "concurrency": 1000, "quota": {"calls_per_day": 1000000000}`
	book := limit.Open(filepath.Join(b.TempDir(), "limits.jsonl"), silentSlog())
	b.Cleanup(func() { _ = book.Close() })
	l := newLab(b, services("none", shut(up.URL), "all", shut(up.URL, all, `"each_token": {`+all+`}`)), func(l *lab) { l.limits = limit.New(book) })
	for _, name := range []string{"none", "all"} {
		auth := "Bearer " + l.token(b, name)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if r := get(b, l.url+"/s/"+name+"/x", "Authorization", auth); r.status != 200 {
					b.Fatalf("%+v", r)
				}
			}
		})
	}
}

// How fast a body goes through.
func BenchmarkBody(b *testing.B) {
	const size = 16 << 20
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.Copy(w, io.LimitReader(endless{}, size))
	}))
	b.Cleanup(up.Close)
	l := newLab(b, services("e", open(up.URL)))
	b.SetBytes(size)
	for b.Loop() {
		res, err := client.Get(l.url + "/s/e/x")
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, res.Body); n != size || err != nil {
			b.Fatal(n, err)
		}
		_ = res.Body.Close()
	}
}

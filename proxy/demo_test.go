package proxy

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
)

func TestDemo(t *testing.T) {
	l := newLab(t, services(
		"demo", open("lockbox://demo"),
		"keyed", open("lockbox://demo", `"credential": {"type": "headers", "headers": {"X-Api-Key": "real-key-0001"}}`),
		"bearer", shut("lockbox://demo", `"credential": {"type": "bearer", "token": "real-key-0001"}`),
	))
	type echoed struct {
		Method, Path, Query, Body string
		Headers                   map[string]string
	}
	call := func(t *testing.T, method, target, body string, headers ...string) echoed {
		t.Helper()
		var from io.Reader
		if body != "" {
			from = strings.NewReader(body)
		}
		r := do(t, request(t, method, l.url+"/s/"+target, from, headers...))
		var e echoed
		if err := json.Unmarshal([]byte(r.body), &e); err != nil || r.status != 200 || r.header.Get("Content-Type") != "application/json" {
			t.Fatalf("%d %v %s: %v", r.status, r.header, r.body, err)
		}
		if strings.Contains(r.body, "real-key") || strings.Contains(r.body, "eyJ") {
			t.Errorf("the echo shows a secret: %s", r.body)
		}
		return e
	}
	if e := call(t, "GET", "demo/hello%2Fyou?a=1&a=2", "", "X-Mine", "1"); e.Method != "GET" || e.Path != "/hello%2Fyou" || e.Query != "a=1&a=2" || e.Body != "" || e.Headers["X-Mine"] != "1" {
		t.Errorf("%+v", e)
	}
	if e := call(t, "PATCH", "keyed/x?", "<body> & more", "Cookie", "a=b", "Authorization", "Bearer mine"); e.Method != "PATCH" || e.Path != "/x" || e.Body != "<body> & more" || len(e.Headers) > 3 || e.Headers["Authorization"] != "" || e.Headers["Cookie"] != "" {
		t.Errorf("%+v", e)
	}
	if e := call(t, "POST", "bearer", "\xff\xfe", "Authorization", "Bearer "+l.token(t, "bearer")); e.Path != "/" || e.Body != "2 bytes that are no text" {
		t.Errorf("%+v", e)
	}
	if r := do(t, request(t, "HEAD", l.url+"/s/demo/x", nil)); r.status != 200 || r.body != "" || r.header.Get("Content-Length") == "0" {
		t.Errorf("HEAD: %+v", r)
	}
	if r := do(t, request(t, "POST", l.url+"/s/demo/x", io.LimitReader(endless{}, maxDemoBody+1))); r.status != 413 {
		t.Errorf("a large body: %d", r.status)
	}
	if x := l.exchanges(t)[0]; x.Service != "demo" || x.Status != 413 {
		t.Errorf("record %+v", x)
	}
}

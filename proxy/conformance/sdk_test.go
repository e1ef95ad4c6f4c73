//go:build linux && sdk

package conformance

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// An sdk is a client library, the script in testdata/sdk that makes its calls,
// and the API behind Lockbox that answers them.
type sdk struct {
	name       string
	credential string // in the config
	header     string // that the upstream has to get it in
	key        string
	answer     func(a *api, w http.ResponseWriter, r *http.Request, body string)
	calls      []string // that the upstream has to see: method, target, body
	result     string   // that the script prints
}

const jsonType = "application/json; charset=utf-8"

var sdks = []sdk{
	{"octokit", `{"type": "bearer", "token": "real-octokit-0001"}`, "Authorization", "Bearer real-octokit-0001", github,
		[]string{
			"GET /repos/o/r/issues?per_page=2 ",
			"GET /repositories/7/issues?per_page=2&page=2 ",
			"GET /repositories/7/issues?per_page=2&page=3 ",
			`POST /repos/o/r/issues {"title":"a/b & c"}`,
			"GET /repos/o/r/contents/a%20b%2F%C3%BC.txt ",
		},
		`{"issues":[1,2,3,4,5],"made":"a/b & c","status":201,"missing":404}`},
	{"openai", `{"type": "bearer", "token": "sk-real-openai-0001"}`, "Authorization", "Bearer sk-real-openai-0001", openai,
		[]string{
			`POST /v1/chat/completions {"model":"m","messages":[{"role":"user","content":"hi"}]}`,
			`POST /v1/chat/completions {"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true}`,
		},
		`{"whole":"hello","streamed":"one two three four"}`},
	{"anthropic", `{"type": "headers", "headers": {"x-api-key": "sk-ant-real-0001"}}`, "X-Api-Key", "sk-ant-real-0001", anthropic,
		[]string{
			`POST /v1/messages {"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`,
			`POST /v1/messages {"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"stream":true}`,
		},
		`{"whole":"hello","streamed":"one two three four"}`},
	{"stripe", `{"type": "bearer", "token": "sk_live_real_0001"}`, "Authorization", "Bearer sk_live_real_0001", stripe,
		[]string{
			"POST /v1/customers name=%C3%9C%20%26%20Co&metadata[a]=1%2B1%3D2",
			"GET /v1/customers?limit=2 ",
			"GET /v1/customers?limit=2&starting_after=cus_2 ",
			"POST /v1/payment_intents amount=5&currency=eur",
		},
		`{"made":"cus_9","ids":["cus_1","cus_2","cus_3"],"declined":"amount_too_small"}`},
	{"slack", `{"type": "bearer", "token": "xoxb-real-0001"}`, "Authorization", "Bearer xoxb-real-0001", slack,
		[]string{
			"POST /api/auth.test ",
			"POST /api/chat.postMessage channel=C1&text=h%C3%A4llo%20%26%20%3Cb%3E&blocks=%5B%7B%22type%22%3A%22divider%22%7D%5D",
			"POST /api/conversations.list limit=2",
			"POST /api/conversations.list limit=2&cursor=dGVhbTpD",
		},
		`{"user":"bot","ts":"1.2","channels":["C1","C2","C3"]}`},
	{"notion", `{"type": "bearer", "token": "ntn_real_0001"}`, "Authorization", "Bearer ntn_real_0001", notion,
		[]string{
			"GET /v1/users ",
			`POST /v1/pages {"parent":{"page_id":"p"},"properties":{"title":[{"text":{"content":"Grüße"}}]}}`,
			"GET /v1/blocks/nosuch/children ",
		},
		`{"users":["Ada"],"page":"page1","missing":"object_not_found"}`},
}

// TestSDK has each SDK, as it is published, make calls through Lockbox with the
// service token in the place of its key.
func TestSDK(t *testing.T) {
	services, apis := map[string]string{}, map[string]*api{}
	for _, s := range sdks {
		a := &api{sdk: s, arrived: make(chan string)}
		srv := httptest.NewServer(a)
		t.Cleanup(srv.Close)
		a.url = srv.URL
		apis[s.name] = a
		services[s.name] = fmt.Sprintf(`"base_url": %q, "credential": %s`, srv.URL, s.credential)
	}
	b, err := startBox(t.TempDir(), services, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.stop() })
	for _, s := range sdks {
		t.Run(s.name, func(t *testing.T) { apis[s.name].run(t, b) })
	}
}

// An api is the upstream of one SDK.
type api struct {
	sdk
	url     string
	arrived chan string // pieces of a stream that the script has got

	mu    sync.Mutex
	calls []string
	wrong []string
}

// ServeHTTP implements http.Handler.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	a.calls = append(a.calls, r.Method+" "+r.RequestURI+" "+string(body))
	a.mu.Unlock()
	if got := r.Header[a.header]; len(got) != 1 || got[0] != a.key {
		a.complain("%s at the upstream: want the real key once, got %d values", a.header, len(got))
	}
	if a.header != "Authorization" && r.Header["Authorization"] != nil {
		a.complain("Authorization at the upstream: want none, got one")
	}
	for name, values := range r.Header {
		if strings.Contains(strings.Join(values, " "), "eyJ") || strings.HasPrefix(name, "X-Lockbox-") || strings.HasPrefix(name, "X-Forwarded-") {
			a.complain("header at the upstream: want nothing of Lockbox's, got %s", name)
		}
	}
	if strings.Contains(r.RequestURI+string(body), "eyJ") {
		a.complain("target and body at the upstream: want no token, got one")
	}
	w.Header().Set("Content-Type", jsonType)
	a.answer(a, w, r, string(body))
}

func (a *api) complain(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wrong = append(a.wrong, fmt.Sprintf(format, args...))
}

// run runs the script and compares what both ends saw.
func (a *api) run(t *testing.T, b *box) {
	cmd := exec.CommandContext(t.Context(), "node", a.name+".mjs")
	cmd.Dir = "testdata/sdk"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LOCKBOX_URL=http://" + b.addr + "/s/" + a.name, "LOCKBOX_TOKEN=" + b.tokens[a.name]}
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	result := "nothing"
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if piece, ok := strings.CutPrefix(lines.Text(), "chunk "); ok {
			select {
			case a.arrived <- piece:
			case <-time.After(patience):
				t.Errorf("stream: want %q to be waited for, got no one who does", piece)
			}
			continue
		}
		result = lines.Text()
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("node %s.mjs: %v: %s", a.name, err, strings.ReplaceAll(said.String(), b.tokens[a.name], "TOKEN"))
	}
	check(t, "what the SDK saw", result, a.result)
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range max(len(a.calls), len(a.sdk.calls)) {
		got, want := "none", "none"
		if i < len(a.calls) {
			got = a.calls[i]
		}
		if i < len(a.sdk.calls) {
			want = a.sdk.calls[i]
		}
		check(t, fmt.Sprintf("call %d at the upstream", i+1), got, want)
	}
	for _, w := range a.wrong {
		t.Error(w)
	}
	if strings.Contains(result+said.String(), a.key) {
		t.Error("the caller's side: want no real key, got it")
	}
}

// stream sends pieces as events; each waits until the script has the last.
func (a *api) stream(w http.ResponseWriter, event func(piece string) string) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	flush := w.(http.Flusher).Flush
	for _, piece := range []string{"one", " two", " three", " four"} {
		_, _ = io.WriteString(w, event(piece))
		flush()
		select {
		case got := <-a.arrived:
			if got != piece {
				a.complain("stream: want %q, got %q", piece, got)
			}
		case <-time.After(patience):
			a.complain("stream: want %q at the SDK before the next piece is sent, got nothing within %v", piece, patience)
			return
		}
	}
}

func github(a *api, w http.ResponseWriter, r *http.Request, body string) {
	link := func(pages ...string) {
		var links []string
		for i := 0; i < len(pages); i += 2 {
			links = append(links, fmt.Sprintf(`<%s/repositories/7/issues?per_page=2&page=%s>; rel=%q`, a.url, pages[i+1], pages[i]))
		}
		w.Header().Set("Link", strings.Join(links, ", "))
	}
	switch page := r.URL.Query().Get("page"); {
	case r.Method == "POST":
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, body)
	case strings.Contains(r.URL.Path, "/contents/"):
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"message":"Not Found","documentation_url":"https://docs.github.com/rest"}`)
	case page == "":
		link("next", "2", "last", "3")
		_, _ = io.WriteString(w, `[{"number":1},{"number":2}]`)
	case page == "2":
		link("prev", "1", "next", "3", "last", "3", "first", "1")
		_, _ = io.WriteString(w, `[{"number":3},{"number":4}]`)
	default:
		link("prev", "2", "first", "1")
		_, _ = io.WriteString(w, `[{"number":5}]`)
	}
}

func openai(a *api, w http.ResponseWriter, _ *http.Request, body string) {
	if !strings.Contains(body, `"stream":true`) {
		_, _ = io.WriteString(w, `{"id":"c1","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}]}`)
		return
	}
	a.stream(w, func(piece string) string {
		return fmt.Sprintf("data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%q}}]}\n\n", piece)
	})
	_, _ = io.WriteString(w, "data: [DONE]\n\n")
}

func anthropic(a *api, w http.ResponseWriter, r *http.Request, body string) {
	if r.Header.Get("Anthropic-Version") == "" {
		a.complain("Anthropic-Version at the upstream: want one, got none")
	}
	if !strings.Contains(body, `"stream":true`) {
		_, _ = io.WriteString(w, `{"id":"m1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"hello"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}`)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	_, _ = io.WriteString(w, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\n")
	a.stream(w, func(piece string) string {
		return fmt.Sprintf("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":%q}}\n\n", piece)
	})
	_, _ = io.WriteString(w, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n")
}

func stripe(a *api, w http.ResponseWriter, r *http.Request, _ string) {
	switch {
	case r.Method == "POST":
		if got := r.Header.Get("Content-Type"); got != "application/x-www-form-urlencoded" {
			a.complain("Content-Type at the upstream: want a form, got %q", got)
		}
		if r.URL.Path == "/v1/payment_intents" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":{"type":"invalid_request_error","code":"amount_too_small","message":"Too small"}}`)
			return
		}
		if got := r.Header.Get("Idempotency-Key"); got != "k1" {
			a.complain("Idempotency-Key at the upstream: want k1, got %q", got)
		}
		_, _ = io.WriteString(w, `{"id":"cus_9","object":"customer"}`)
	case r.URL.Query().Get("starting_after") == "":
		_, _ = io.WriteString(w, `{"object":"list","url":"/v1/customers","has_more":true,"data":[{"id":"cus_1","object":"customer"},{"id":"cus_2","object":"customer"}]}`)
	default:
		_, _ = io.WriteString(w, `{"object":"list","url":"/v1/customers","has_more":false,"data":[{"id":"cus_3","object":"customer"}]}`)
	}
}

func slack(a *api, w http.ResponseWriter, r *http.Request, body string) {
	if got := r.Header.Get("Content-Type"); !strings.HasPrefix(got, "application/x-www-form-urlencoded") {
		a.complain("Content-Type at the upstream: want a form, got %q", got)
	}
	switch {
	case r.URL.Path == "/api/auth.test":
		_, _ = io.WriteString(w, `{"ok":true,"user":"bot"}`)
	case r.URL.Path == "/api/chat.postMessage":
		_, _ = io.WriteString(w, `{"ok":true,"ts":"1.2","channel":"C1"}`)
	case !strings.Contains(body, "cursor="):
		_, _ = io.WriteString(w, `{"ok":true,"channels":[{"id":"C1"},{"id":"C2"}],"response_metadata":{"next_cursor":"dGVhbTpD"}}`)
	default:
		_, _ = io.WriteString(w, `{"ok":true,"channels":[{"id":"C3"}],"response_metadata":{"next_cursor":""}}`)
	}
}

func notion(a *api, w http.ResponseWriter, r *http.Request, _ string) {
	if r.Header.Get("Notion-Version") == "" {
		a.complain("Notion-Version at the upstream: want one, got none")
	}
	switch {
	case r.URL.Path == "/v1/users":
		_, _ = io.WriteString(w, `{"object":"list","results":[{"object":"user","name":"Ada"}],"has_more":false,"next_cursor":null}`)
	case r.URL.Path == "/v1/pages":
		_, _ = io.WriteString(w, `{"object":"page","id":"page1"}`)
	default:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"object":"error","status":404,"code":"object_not_found","message":"no such block"}`)
	}
}

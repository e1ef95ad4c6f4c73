//go:build desktop

package desktest_test

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/audit"
	"lockbox/ui/desktest"
)

// calls is how many calls the one is found among. With a million the log is made in
// a minute or two, and its index in some more.
var calls = flag.Int("calls", 20_000, "how many calls TestFindCall has on record")

// needle stands in the body of one call.
const needle = "nightingale"

// fillAuditLog puts calls on record as an earlier Lockbox would have; one of them
// has the needle in its body.
func fillAuditLog(t *testing.T, dir string, n int) {
	t.Helper()
	log, err := audit.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now().Add(-24 * time.Hour)
	for i := range n {
		word := fmt.Sprintf("box %d", i)
		if i == n/3 {
			word = "a " + needle
		}
		body := fmt.Sprintf(`{"id":%d,"name":"%s","note":"it's \"fragile\""}`, i, word)
		x := audit.Exchange{
			Time: began.Add(24 * time.Hour / time.Duration(n) * time.Duration(i)), Service: "shop", Method: "POST", Path: fmt.Sprintf("/s/shop/orders/%d", i),
			Query: "a=1&b=2", Status: 201, Duration: 40 * time.Millisecond, BytesIn: int64(len(body)), Audience: "zapier", JTI: "earlier", Listener: "local", Remote: "127.0.0.1:40000", Decision: audit.Allowed,
			RequestHeader: http.Header{"Content-Type": {"application/json"}, "Content-Length": {fmt.Sprint(len(body))}},
			RequestBody:   &audit.Body{Text: body, Size: int64(len(body))},
			ResponseBody:  &audit.Body{Text: `{"ok":true}`, Size: 11},
		}
		if i%10 == 0 {
			x.Status, x.Decision, x.Reason = 401, audit.Refused, "token_missing: The call has no service token."
		}
		if err := log.Append(&x); err != nil {
			t.Fatal(err)
		}
	}
	for left := n; left > 0; time.Sleep(time.Second) { // the index is an earlier one too
		if _, err := log.List(audit.Query{Limit: 1}); err != nil {
			t.Fatal(err)
		}
		left = log.Unsearched()
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFindCall: one call among many is found by typing part of its body, opened,
// copied as a curl line; that line, run with a token, makes the call again, and
// the new call appears.
func TestFindCall(t *testing.T) {
	desk := desktest.Start(t, desktest.Options{})
	arrived := make(chan string, 10)
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		arrived <- r.Method + " " + r.RequestURI + " " + string(body)
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "made again")
	}))
	t.Cleanup(up.Close)
	onRecord := *calls
	fillAuditLog(t, filepath.Join(desk.Home, ".local", "state", "lockbox", "audit"), onRecord)
	addr := freeAddr(t)
	writeConfig(t, desk, `{"services": {"shop": {"base_url": "`+up.URL+`"}}, "listen": "`+addr+`"}`)
	a := launch(t, desk)
	a.addr = addr
	a.open()
	eventually(t, "the service to be served", a.answers("/s/shop/x", "", "401"))
	token := a.copyToken("shop")

	a.key("ctrl+4")
	a.reads("audit-many", "Audit log", "201")
	a.key("ctrl+f")
	a.fill(needle[:6] + "*")
	a.reads("audit-found", fmt.Sprintf("orders/%d", onRecord/3))
	a.key("Return", "Down", "Return")
	a.reads("audit-opened", "Copy as curl", "fragile")
	a.key("ctrl+c")
	var line string
	eventually(t, "the curl line on the clipboard", func() bool {
		line = desk.Clipboard()
		return strings.HasPrefix(line, "curl ")
	})
	if strings.Contains(line, token) || !strings.Contains(line, "$LOCKBOX_TOKEN") {
		t.Errorf("the line has no place for a token:\n%s", line)
	}

	cmd := desk.Command("sh", "-c", line)
	cmd.Env = append(cmd.Env, "LOCKBOX_TOKEN="+token)
	out, err := cmd.Output()
	if err != nil || string(out) != "made again" {
		t.Fatalf("the line prints %q, %v:\n%s", out, err, line)
	}
	want := fmt.Sprintf(`POST /orders/%d?a=1&b=2 {"id":%d,"name":"a %s","note":"it's \"fragile\""}`, onRecord/3, onRecord/3, needle)
	if got := <-arrived; got != want {
		t.Errorf("the upstream got %s, want %s", got, want)
	}

	a.reads("audit-made-again", "418")
	a.key("Up", "Return")
	a.reads("audit-newest", "teapot", "fragile")
	a.end()
}

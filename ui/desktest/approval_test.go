//go:build desktop

package desktest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lockbox/ui/desktest"
)

const questionTitle = "A call waits for your answer"

// answer is what a call came to, and when.
type answer struct {
	status int
	header http.Header
	body   string
	at     time.Time
}

// TestAskOnDesktop: a call that a rule asks about waits, its window shows; Allow lets
// it through, Deny gives 403, silence 429, and after a late Allow the retry passes
// once.
func TestAskOnDesktop(t *testing.T) {
	desk := desktest.Start(t, desktest.Options{})
	var arrived atomic.Int64
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived.Add(1)
		_, _ = io.Copy(w, r.Body)
	}))
	t.Cleanup(up.Close)
	addr := freeAddr(t)
	config := func(wait string) string {
		return `{"services": {"bank": {"base_url": "` + up.URL + `", "rules": [
			{"action": "ask", "methods": ["POST"], "path": "/pay/**", "note": "Money leaves."}, {"action": "allow"}]},
			"for` + wait + `": {"base_url": "lockbox://demo", "requires_service_token": false}},
			"ask": {"wait": "` + wait + `"}, "listen": "` + addr + `"}`
	}
	writeConfig(t, desk, config("4m"))
	a := launch(t, desk)
	a.addr = addr
	a.open()
	eventually(t, "the service to be served", a.answers("/s/bank/x", "", "401"))
	out, err := desk.Command(mustBinary(t), "token", "--service-name", "bank", "--audience", "zapier").Output()
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimSpace(string(out))
	eventually(t, "the token to pass", a.answers("/s/bank/x", token, "200"))
	arrived.Store(0)
	call := func(path, body string) chan answer {
		got := make(chan answer, 1)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+"/s/bank"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		go func() {
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				got <- answer{body: err.Error()}
				return
			}
			text, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			got <- answer{res.StatusCode, res.Header, string(text), time.Now()}
		}()
		return got
	}
	// press presses a key in the question's window, when it takes answers, and says when.
	press := func(key string) time.Time {
		t.Helper()
		win := desk.Window(questionTitle)
		desk.Focus(win)
		time.Sleep(3 * time.Second) // it is dead for a moment
		began := time.Now()
		desk.Key(key)
		return began
	}
	waited := func(what string, c chan answer) answer {
		t.Helper()
		select {
		case got := <-c:
			return got
		case <-time.After(time.Minute):
			t.Fatalf("no answer to the call that is to be %s", what)
			return answer{}
		}
	}

	allowed := call("/pay/1", `{"amount": 129.5, "to": "Ada"}`)
	desk.Window(questionTitle)
	a.reads("ask", "May this call pass", "/pay/1", "bank", "zapier", "129.5", "Money leaves", "For an hour")
	a.tray.Get("1 call waits for your answer")
	if n := arrived.Load(); n != 0 {
		t.Fatalf("%d calls got through before the answer", n)
	}
	began := press("a")
	got := waited("allowed", allowed)
	if got.status != 200 || !strings.Contains(got.body, "129.5") || arrived.Load() != 1 {
		t.Errorf("allowed: %+v, %d calls arrived", got, arrived.Load())
	}
	// With what it takes xdotool to start and to press the key.
	t.Logf("from before the key press to the answer: %v", got.at.Sub(began))
	if took := got.at.Sub(began); took > time.Second {
		t.Errorf("Allow took %v", took)
	}
	desk.WindowGone(questionTitle)

	denied := call("/pay/2", "x")
	press("d")
	if got := waited("denied", denied); got.status != 403 || !strings.Contains(got.body, "denied_by_person") {
		t.Errorf("denied: %+v", got)
	}
	desk.WindowGone(questionTitle)

	writeConfig(t, desk, config("3s"))
	eventually(t, "the shorter wait", a.answers("/s/for3s/x", "", "200"))
	silent := waited("left alone", call("/pay/3", "x"))
	if silent.status != 429 || !strings.Contains(silent.body, "approval_pending") || silent.header.Get("Retry-After") == "" {
		t.Errorf("silence: %+v", silent)
	}
	a.reads("ask-late", "told to come again", "/pay/3")
	press("a") // late
	desk.WindowGone(questionTitle)
	if got := waited("let pass by the late Allow", call("/pay/3", "x")); got.status != 200 || arrived.Load() != 2 {
		t.Errorf("the retry: %+v, %d calls arrived", got, arrived.Load())
	}
	again := call("/pay/3", "x")
	desk.Window(questionTitle) // the pass was for once
	press("Escape")
	desk.WindowGone(questionTitle)
	if got := waited("pending", again); got.status != 429 {
		t.Errorf("once more: %+v", got)
	}
	a.key("ctrl+5")
	a.reads("approvals", "Approvals", "Allowed once", "Denied") // notifications cover the rest
	a.tray.Click("Answer…")
	desk.Window(questionTitle)
	a.end()
}

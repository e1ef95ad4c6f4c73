//go:build desktop

package desktest_test

import (
	"image"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lockbox/ui/desktest"
)

// firstAddr is where Lockbox listens that has no config yet.
const firstAddr = "127.0.0.1:8000"

// launchFirst starts Lockbox from an empty home, once no other test on this machine
// has its address.
func launchFirst(t *testing.T, desk *desktest.Desk) *app {
	t.Helper()
	lock, err := os.OpenFile(filepath.Join(os.TempDir(), "lockbox-desktest-8000.lock"), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lock.Close() })
	for end := time.Now().Add(5 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil && free(firstAddr) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%s was not free for 5 minutes: %v", firstAddr, err)
		}
	}
	a := launch(t, desk)
	a.addr = firstAddr
	a.open()
	return a
}

func free(addr string) bool {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	return ln.Close() == nil
}

// shop is an API that answers who has its key.
func shop(t *testing.T) (url string, calls *atomic.Int32) {
	calls = new(atomic.Int32)
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+acmeKey {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		calls.Add(1)
		_, _ = io.WriteString(w, "orders of the shop")
	}))
	t.Cleanup(up.Close)
	return up.URL, calls
}

// token waits for a service token on the clipboard.
func (a *app) token() string {
	a.t.Helper()
	var token string
	eventually(a.t, "a token on the clipboard", func() bool {
		token = a.desk.Clipboard()
		return strings.Count(token, ".") == 2 && !strings.Contains(token, "/")
	})
	return token
}

// firstCall makes a call with the token, as a platform does, and sees it in the kit.
func (a *app) firstCall(calls *atomic.Int32) (token string) {
	a.t.Helper()
	token = a.token()
	if calls.Load() != 1 {
		a.t.Errorf("%d calls have come to the API by now, want the test alone", calls.Load())
	}
	status, body := a.curl("/s/shop/orders", token)
	if status != "200" || body != "orders of the shop" {
		a.t.Fatalf("the first call: %s %q", status, body)
	}
	a.reads("first-run-call", "Received from curl, 200")
	return token
}

// kept fails the test unless the call is on record, and key and token are where they
// belong alone.
func (a *app) kept(token string) {
	a.t.Helper()
	state := filepath.Join(a.desk.Home, ".local/state/lockbox/audit")
	eventually(a.t, "the call in the audit file", func() bool { return len(filesWith(a.t, state, "/s/shop/orders")) > 0 })
	if got := a.desk.Secret("lockbox", "shop/token"); got != acmeKey {
		a.t.Errorf("the keychain does not hold the key (%d bytes)", len(got))
	}
	for what, secret := range map[string]string{"key": acmeKey, "token": token} {
		if found := filesWith(a.t, a.desk.Home, secret); len(found) > 0 {
			a.t.Errorf("the %s is in files: %v", what, found)
		}
	}
}

// TestFirstRunByKeyboard: from an empty home to the first call on record, without a
// mouse.
func TestFirstRunByKeyboard(t *testing.T) {
	desk := desktest.Start(t, desktest.Options{})
	url, calls := shop(t)
	a := launchFirst(t, desk)
	a.reads("first-run-api", "A first service", "Choose the", "Demo", "GitHub")
	desk.Type("other")
	a.key("Return")
	a.reads("first-run-key", "Base URL", "Credential")
	a.fill("shop", "Tab", url, "Tab", "Tab")
	desk.Copy(acmeKey)
	a.key("ctrl+v", "Return")
	a.reads("first-run-test", "Try it before", "One call with")
	a.key("Return")
	a.reads("first-run-tested", "took the call")
	a.key("Return")
	a.reads("first-run-token", "New token", "Who it is for")
	desk.Type("zapier")
	a.key("Return")
	a.reads("first-run-kit", "Waiting for the first call", "Authorization")
	a.key("Return")
	token := a.firstCall(calls)
	a.key("Tab", "Return")
	a.reads("first-run-service", "Services", "shop", "Calls")
	a.key("ctrl+4")
	a.reads("first-run-audit", "/orders", "zapier", "200")
	a.kept(token)
	a.key("ctrl+q")
	a.ended()
}

// click clicks where words stand on the screen, the last of them from the top, or so
// far right of there and below: the words on a coloured button are not read well.
func (a *app) click(words string, right, below int) {
	a.t.Helper()
	places := a.find(words)
	a.desk.Click(1, places[len(places)-1].Add(image.Pt(right, below)))
}

// clickNext clicks the button in the lower right corner, which leads on.
func (a *app) clickNext() {
	a.t.Helper()
	w, h := a.desk.Size(a.win)
	a.desk.ClickAt(a.win, w-50, h-66)
}

// find waits until words can be read on the screen, which may be moving still.
func (a *app) find(words string) []image.Point {
	a.t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		time.Sleep(300 * time.Millisecond)
		if places := a.desk.Find(a.desk.Screenshot("find-"+strings.ReplaceAll(words, " ", "-")), words); len(places) > 0 {
			return places
		}
		if time.Now().After(end) {
			a.t.Fatalf("%q is nowhere on the screen", words)
		}
	}
}

// paste puts text into the field right of a label by the field's menu.
func (a *app) paste(label, text string) {
	a.t.Helper()
	a.desk.Copy(text)
	field := a.find(label)[0].Add(image.Pt(250, 0))
	a.desk.Click(3, field)
	var best image.Point
	for i, p := range a.find("Paste") { // the menu's is the nearest
		if d, b := p.Sub(field), best.Sub(field); i == 0 || d.X*d.X+d.Y*d.Y < b.X*b.X+b.Y*b.Y {
			best = p
		}
	}
	a.desk.Click(1, best)
}

// TestFirstRunByMouse: the same without a keyboard. What is pasted was copied
// elsewhere.
func TestFirstRunByMouse(t *testing.T) {
	desk := desktest.Start(t, desktest.Options{})
	url, calls := shop(t)
	a := launchFirst(t, desk)
	a.reads("first-run-mouse-api", "A first service", "Choose the", "Demo")
	tiles := a.find("Airtable")[0]
	for range 12 { // any other API is the last
		desk.Scroll(tiles)
	}
	a.click("Other API", 0, 0)
	a.paste("Name", "shop")
	a.paste("Base URL", url)
	a.paste("Token", acmeKey)
	a.clickNext()
	a.click("GET", 410, 0) // Test
	a.reads("first-run-mouse-tested", "took the call")
	a.clickNext()
	a.click("What to call it here", 0, 36) // Make the token
	a.click("Where it goes", -10, -80)     // Copy
	token := a.firstCall(calls)
	a.click("Where it goes", 54, -80) // Done
	a.reads("first-run-mouse-service", "Services", "shop", "Calls")
	a.click("Audit log", 0, 0)
	a.reads("first-run-mouse-audit", "/orders", "200")
	a.kept(token)
	a.tray.Click("Quit")
	a.ended()
}

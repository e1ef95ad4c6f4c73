//go:build ngrok

package tunnel

import (
	"io"
	"net/http"
	"os"
	"testing"

	"lockbox/proxy/secret"
)

// TestNgrok opens a tunnel at ngrok itself, by the account of NGROK_AUTHTOKEN:
//
//	NGROK_AUTHTOKEN=… go test -tags ngrok -run TestNgrok ./tunnel
func TestNgrok(t *testing.T) {
	l := &lab{}
	l.Tunnel = New(Options{Version: "test", Serve: serveWith(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "from "+r.RemoteAddr)
	}))})
	for _, s := range l.Diagnose(t.Context()) {
		t.Logf("%+v", s)
	}
	l.open(t, Request{Authtoken: secret.New(os.Getenv("NGROK_AUTHTOKEN"))})
	defer l.Close("the test")
	s, took := l.await(t, "open", isOpen)
	t.Logf("%s after %v", s.URL, took)
	res, err := http.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	if body := read(t, res); res.StatusCode != http.StatusOK {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	l.Close("the test")
	if s := l.State(); s.Phase != Closed || !s.Trouble.IsZero() {
		t.Errorf("closed: %+v", s)
	}
}

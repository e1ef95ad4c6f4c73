//go:build unix

package cli

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// The binary notices what is done to its config, wherever that is.
func TestServeNoticesTheConfig(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	path := h.write(t, "own.json", `{"services": {}}`)
	h = h.with("LOCKBOX_CONFIG_PATH=" + path)
	s := h.serve(t)
	status := func(service string) int { return get(t, s.url+"/s/"+service+"/x", "").status }
	const demo = `{"services": {"%s": {"base_url": "lockbox://demo", "requires_service_token": false}}}`

	for i := range 1000 {
		h.write(t, "own.json", fmt.Sprintf(demo, fmt.Sprint("s", i)))
	}
	s.await(t, `config file was changed and is loaded`)
	for deadline := time.Now().Add(time.Minute); status("s999") != http.StatusOK; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the last of 1,000 writes is not in use")
		}
	}
	if n := strings.Count(s.talk.String(), "the config is in use"); n > 50 {
		t.Errorf("loaded %d times for 1,000 writes", n)
	}
	h.write(t, "own.json", `{"services": {"broken": {}}}`)
	s.await(t, `changed but not loaded, the old one goes on.*own\.json:1:15: service .*broken.*base_url: is missing`)
	if got := status("s999"); got != http.StatusOK {
		t.Errorf("the old config answers %d", got)
	}
	h.write(t, "temp", fmt.Sprintf(demo, "mended"))
	if err := os.Rename(h.path("temp"), path); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); status("mended") != http.StatusOK; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the mended config is not in use")
		}
	}
	s.signal(t, sigterm)
	if code := s.wait(t, endTime); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	if used := s.cmd.ProcessState.UserTime(); used > 3*time.Second {
		t.Errorf("it computed for %v", used)
	}
}

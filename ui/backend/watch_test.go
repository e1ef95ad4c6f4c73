package backend

import (
	"bytes"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lockbox/proxy/config"
)

// said is a log for several goroutines.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) count(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Count(s.text.String(), what)
}

const (
	inUse   = "the config is in use" // the proxy's line at each reload
	onDisk  = "the config file was changed and is loaded"
	notGood = "the config file was changed but not loaded"
)

// watched is a backend whose config is changed by others.
func watched(t *testing.T, change func(*Options)) (*Backend, *said) {
	t.Helper()
	log := &said{}
	b := start(t, func(o *Options) {
		o.Logger = slog.New(slog.NewTextHandler(log, nil))
		if change != nil {
			change(o)
		}
	})
	time.Sleep(50 * time.Millisecond) // until it watches
	return b, log
}

func names(b *Backend) string {
	var all []string
	for _, s := range b.View().Services {
		all = append(all, s.Name)
	}
	return strings.Join(all, ",")
}

func edited(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFileChange(t *testing.T) {
	for name, desktop := range map[string]bool{"serve": false, "window": true} {
		t.Run(name, func(t *testing.T) {
			b, log := watched(t, func(o *Options) { o.Desktop = desktop })
			path := b.opts.ConfigPath
			edited(t, path, `{"services": {"one": {"base_url": "lockbox://demo", "requires_service_token": false}}}`)
			waitFor(t, "the edit", func() bool { return names(b) == "one" })
			waitFor(t, "the line about it", func() bool { return log.count(onDisk) == 1 })

			edited(t, path, `{"services": {"two": {"base_url": 7}}}`)
			waitFor(t, "the notice", func() bool { return b.View().Problem.Title == "The config was not loaded" })
			if v := b.View(); !strings.Contains(v.Problem.Text, path+":1:") || names(b) != "one" || v.Phase != Running {
				t.Errorf("a broken file: %+v, services %s, %s", v.Problem, names(b), v.Phase)
			}
			waitFor(t, "the line about it", func() bool { return log.count(notGood) == 1 })
			if status, _ := get(t, b.View().BaseURL+"/s/one/x", ""); status != 200 {
				t.Errorf("the old config no longer serves: %d", status)
			}

			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			waitFor(t, "the loss", func() bool { return strings.Contains(b.View().Problem.Text, "there is no config file") })
			edited(t, path, `{"services": {"three": {"base_url": "lockbox://demo"}}}`)
			waitFor(t, "the new file", func() bool { return names(b) == "three" && b.View().Problem.IsZero() })
		})
	}
}

// What Lockbox itself writes and loads is not loaded once more, and neither is
// what a reload by other ways has loaded.
func TestOwnSavesAreLoadedOnce(t *testing.T) {
	b, log := watched(t, nil)
	f := NewForm()
	f.Name, f.BaseURL, f.Credential = "acme", "https://a.example", NoCredential
	if err := b.Save(t.Context(), "", f); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Delete(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	edited(t, b.opts.ConfigPath, `{"services": {}}`)
	if err := b.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(700 * time.Millisecond)
	if n := log.count(inUse); n != 4 || log.count(onDisk) != 0 {
		t.Errorf("%d loads, %d of them for the file's sake; want 4 and 0", n, log.count(onDisk))
	}
}

// Once the file is right again, whoever finds that out clears the notice.
func TestNoticeEndsWithAnyReload(t *testing.T) {
	b, _ := watched(t, nil)
	edited(t, b.opts.ConfigPath, `{`)
	waitFor(t, "the notice", func() bool { return !b.View().Problem.IsZero() })
	edited(t, b.opts.ConfigPath, `{"services": {}}`)
	if _, err := b.server.Reload(t.Context()); err != nil { // as POST /admin/reload does
		t.Fatal(err)
	}
	if p := b.View().Problem; !p.IsZero() {
		t.Errorf("the notice stays: %+v", p)
	}
}

// A config that was named and is not there yet, in a folder that is not there
// yet: the window waits for it.
func TestConfigAppearsLater(t *testing.T) {
	path := filepath.Join(t.TempDir(), "later", "config.json")
	b, _ := watched(t, func(o *Options) { o.Desktop, o.ConfigPath, o.ConfigPathExplicit = true, path, true })
	if !strings.Contains(b.View().Problem.Text, "there is no config file") {
		t.Errorf("problem %+v", b.View().Problem)
	}
	if err := config.WriteFile(path, []byte(`{"services": {"late": {"base_url": "lockbox://demo"}}}`)); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the config", func() bool { return names(b) == "late" && b.View().Problem.IsZero() })
}

// An address that is changed in the file is moved to; one that is taken is not.
func TestListenChanges(t *testing.T) {
	b, _ := watched(t, func(o *Options) {
		o.Listen = ""
		writeConfig(t, o.ConfigPath, `{"services": {}, "listen": "127.0.0.1:0"}`)
	})
	first := b.View().BaseURL
	edited(t, b.opts.ConfigPath, `{"services": {}, "listen": "127.0.0.2:0"}`)
	waitFor(t, "the new address", func() bool { return strings.Contains(b.View().BaseURL, "127.0.0.2") })
	if status, _ := get(t, b.View().BaseURL+"/healthz", ""); status != 200 {
		t.Errorf("at the new address: %d", status)
	}
	waitFor(t, "the old one to be closed", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(first, "http://"))
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	edited(t, b.opts.ConfigPath, `{"services": {}, "listen": "`+taken.Addr().String()+`"}`)
	waitFor(t, "the notice", func() bool { return b.View().Problem.Title == "Lockbox cannot listen at its new address" })
	if status, _ := get(t, b.View().BaseURL+"/healthz", ""); status != 200 || !strings.Contains(b.View().BaseURL, "127.0.0.2") {
		t.Errorf("at %s: %d", b.View().BaseURL, status)
	}
	_ = taken.Close()
	if err := b.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the address that is free now", func() bool { return b.View().Listen == taken.Addr().String() && b.View().Problem.IsZero() })
}

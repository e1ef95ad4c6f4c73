package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
	"lockbox/proxy/token"
)

// What the original's test of reloading does.
func TestReload(t *testing.T) {
	up := echo(t)
	l := newLab(t, services("one", open(up.URL)))
	admin, err := token.IssueAdmin(labKey, time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	reload := func(tok string) reply {
		var headers []string
		if tok != "" {
			headers = []string{"Authorization", "Bearer " + tok}
		}
		return do(t, request(t, http.MethodPost, l.url+"/admin/reload", nil, headers...))
	}
	serves := func(service string, want int) {
		t.Helper()
		if r := get(t, l.url+"/s/"+service+"/test"); r.status != want {
			t.Errorf("%s answered %d, want %d: %s", service, r.status, want, r.body)
		}
	}
	serves("one", 200)
	serves("two", 404)
	l.set(func() { l.text = services("one", open(up.URL), "two", open(up.URL)) })
	for tok, want := range map[string]int{"": 401, "invalid_token": 401, l.token(t, "one"): 403} {
		if r := reload(tok); r.status != want {
			t.Errorf("reload: %d, want %d", r.status, want)
		}
	}
	serves("two", 404)
	if r := reload(admin.Reveal()); r.status != 200 {
		t.Errorf("reload: %d %s", r.status, r.body)
	}
	serves("two", 200)

	l.set(func() { l.text = services("one", shut(up.URL)) })
	reload(admin.Reveal())
	serves("one", 401)
	serves("two", 404)

	for _, broken := range []string{`{`, services("one", open("ftp://nowhere")), `{"services": {"one": {"base_url": 7}}}`} {
		l.set(func() { l.text = broken })
		r := reload(admin.Reveal())
		if r.status != 500 || !strings.HasPrefix(r.body, `{"status":"error","message":"`) || !strings.Contains(r.body, "config.json") || r.header.Get("X-Lockbox-Error") != "reload_failed" {
			t.Errorf("a broken config: %d %v %s", r.status, r.header, r.body)
		}
		serves("one", 401)
	}
	if got := l.Config().Services["one"].RequiresServiceToken; !got {
		t.Error("the config is not the last good one")
	}
}

func TestReloadErrorKeepsEverything(t *testing.T) {
	l := newLab(t, services("e", open(echo(t).URL)))
	before, report := l.Config(), l.Report()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	reloads := 0
	l.opts.OnReload = func() { reloads++ }
	l.set(func() {
		l.text = `{"services": {}, "audit_log": {"type": "local_dir", "root_dir": "` + file + `"}}`
	})
	if _, err := l.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "root_dir") {
		t.Errorf("error %v, want it to name root_dir", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l.set(func() { l.text = services() })
	if _, err := l.Reload(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v of a reload that was broken off", err)
	}
	if l.Config() != before || fmt.Sprint(l.Report()) != fmt.Sprint(report) || reloads != 0 {
		t.Errorf("something changed; OnReload was called %d times", reloads)
	}
	if _, err := l.Reload(t.Context()); err != nil || reloads != 1 || l.Report().Services != 0 {
		t.Errorf("%v, %d calls of OnReload, report %+v", err, reloads, l.Report())
	}
}

func TestBeforeTheFirstReload(t *testing.T) {
	s := New(Options{Load: func(context.Context) (*config.Config, error) { return nil, errors.New("broken") }})
	if _, err := s.Reload(t.Context()); err == nil {
		t.Fatal("no error")
	}
	if s.Config() != nil || s.Report().Services != 0 || !s.Keys().Current.IsZero() {
		t.Error("a server without a config has one")
	}
	l := newLab(t, services())
	l.state.Store(nil)
	for path, want := range map[string]int{"/healthz": 200, "/s/e/x": 503, "/nothing": 404} {
		if r := get(t, l.url+path); r.status != want {
			t.Errorf("%s: %d, want %d", path, r.status, want)
		}
	}
	if r := do(t, request(t, http.MethodPost, l.url+"/admin/reload", nil)); r.status != 503 || r.code(t) != "no_config" {
		t.Errorf("reload: %d %s", r.status, r.body)
	}
}

// A reload under load loses no call, and each call sees one config throughout.
func TestReloadUnderLoad(t *testing.T) {
	var lost, served atomic.Int64
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		// The credential and the path both name the generation.
		printf(w, "%s %s", r.Header.Get("Authorization"), r.URL.Path)
	})
	generation := func(i int) string {
		return fmt.Sprintf(`{"services": {"e": {"base_url": "%s/gen%d", "requires_service_token": false, "leak_guard": "off", "credential": {"type": "bearer", "token": "keychain://e/gen%d"}}},
			"audit_log": {"type": "local_dir", "root_dir": %q}}`, up.URL, i, i, filepath.Join(t.TempDir(), fmt.Sprint(i%2)))
	}
	l := newLab(t, generation(0), func(l *lab) {
		for i := range 1000 {
			l.secrets[fmt.Sprintf("keychain://e/gen%d", i)] = secret.New(fmt.Sprintf("key-of-gen%d", i))
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				res, err := client.Get(l.url + "/s/e/x")
				if err != nil {
					lost.Add(1)
					t.Error(err)
					return
				}
				r := finish(res)
				var key, path string
				if n, err := fmt.Sscanf(strings.NewReplacer("Bearer key-of-", "", "/gen", "gen", "/x", "").Replace(r.body), "%s %s", &key, &path); n != 2 || err != nil || key != path || r.status != 200 || r.err != nil {
					lost.Add(1)
					t.Errorf("%d %q %v", r.status, r.body, r.err)
				}
				served.Add(1)
			}
		})
	}
	reloads := 0
	for end := time.Now().Add(700 * time.Millisecond); time.Now().Before(end); reloads++ {
		l.reloaded(t, func() { l.text = generation(reloads % 1000) })
	}
	cancel()
	wg.Wait()
	if lost.Load() != 0 || served.Load() < 20 || reloads < 5 {
		t.Errorf("%d calls lost of %d, over %d reloads", lost.Load(), served.Load(), reloads)
	}
	if n := len(l.exchanges(t)); n != int(served.Load()) {
		t.Errorf("%d records of %d calls", n, served.Load())
	}
}

// Calls in flight finish on the config that they began with, and their files go
// to the folder of that config.
func TestCallsInFlightKeepTheirConfig(t *testing.T) {
	arrived, goOn := make(chan bool), make(chan bool)
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		arrived <- true
		<-goOn
		_, _ = io.WriteString(w, "done")
	})
	first, second := t.TempDir(), t.TempDir()
	text := func(dir string) string {
		return fmt.Sprintf(`{"services": {"e": {%s}}, "audit_log": {"root_dir": %q}}`, open(up.URL), dir)
	}
	l := newLab(t, text(first))
	answered := make(chan reply)
	go func() { answered <- get(t, l.url+"/s/e/x") }()
	<-arrived
	old := l.state.Load()
	l.reloaded(t, func() { l.text = text(second) })
	l.reloaded(t, func() { l.text = services() })
	if r := get(t, l.url+"/s/e/x"); r.status != 404 {
		t.Errorf("the new config is not in use: %d", r.status)
	}
	goOn <- true
	if r := <-answered; r.status != 200 || r.body != "done" {
		t.Errorf("%d %s", r.status, r.body)
	}
	for end := time.Now().Add(5 * time.Second); old.users.Load() != 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	old.close() // waits for the one that the call's end brought
	if got := eventFiles(t, first); len(got) != 2 {
		t.Errorf("%d files in the first folder, want a request and a response: %v", len(got), got)
	}
	if got := eventFiles(t, second); len(got) != 0 {
		t.Errorf("files in the second folder: %v", got)
	}
}

// eventFiles are the original's audit files below a folder.
func eventFiles(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestSecretsOutOfReach(t *testing.T) {
	up := echo(t)
	const ref = "keychain://e/token"
	text := services("e", open(up.URL, `"credential": {"type": "bearer", "token": "`+ref+`"}`), "other", open(up.URL))
	locked := fmt.Errorf("unlock the keychain: %w", secret.ErrLocked)
	auth := func(t *testing.T, l *lab) string {
		t.Helper()
		if r := get(t, l.url+"/s/other/x"); r.status != 200 {
			t.Errorf("the other service answered %d", r.status)
		}
		r := get(t, l.url+"/s/e/x")
		if r.status != 200 {
			return r.code(t)
		}
		return r.seen(t).Header.Get("Authorization")
	}
	for name, tt := range map[string]struct {
		err  error
		want string // with nothing read before
		then string // after it was read once
	}{
		"locked":      {locked, "locked", "Bearer real-key-0001"},
		"unavailable": {fmt.Errorf("no bus: %w", secret.ErrUnavailable), "locked", "Bearer real-key-0001"},
		"too slow":    {context.DeadlineExceeded, "locked", "Bearer real-key-0001"},
		"not there":   {fmt.Errorf("gone: %w", secret.ErrNotFound), "credential_missing", "credential_missing"},
		"broken":      {errors.New("permission denied"), "locked", "locked"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, text, func(l *lab) { l.errs[ref] = tt.err })
			if got := auth(t, l); got != tt.want {
				t.Errorf("at first: %s, want %s", got, tt.want)
			}
			if why := l.Report().Unavailable["e"]; !strings.Contains(why, tt.err.Error()) || len(l.Report().Unavailable) != 1 {
				t.Errorf("report %+v, want it to name %v", l.Report(), tt.err)
			}
			report := l.reloaded(t, func() { delete(l.errs, ref); l.secrets[ref] = secret.New("real-key-0001") })
			if got := auth(t, l); got != "Bearer real-key-0001" || len(report.Unavailable) != 0 {
				t.Errorf("once it can be read: %s, report %+v", got, report)
			}
			for range 2 { // carried over, and over again
				report = l.reloaded(t, func() { l.errs[ref] = tt.err })
				if got := auth(t, l); got != tt.then {
					t.Errorf("then: %s, want %s", got, tt.then)
				}
				carried := slices.ContainsFunc(report.Warnings, func(w string) bool { return strings.Contains(w, "stays as it was") })
				if carried != strings.HasPrefix(tt.then, "Bearer") {
					t.Errorf("warnings %q", report.Warnings)
				}
			}
		})
	}
}

func TestBadSecrets(t *testing.T) {
	up := echo(t)
	const ref = "keychain://e/token"
	for value, want := range map[string]string{"": "credential_missing", "sk-canary\nx": "credential_invalid", " ": "credential_missing"} {
		l := newLab(t, services("e", shut(up.URL, `"credential": {"type": "bearer", "token": "`+ref+`"}`)), func(l *lab) { l.secrets[ref] = secret.New(value) })
		if r := get(t, l.url+"/s/e/x"); r.status != 401 {
			t.Errorf("%q: a caller without a token got %d", value, r.status)
		}
		r := get(t, l.url+"/s/e/x", "Authorization", "Bearer "+l.token(t, "e"))
		if r.status != 503 || r.code(t) != want {
			t.Errorf("%q: %d %s, want 503 %s", value, r.status, r.body, want)
		}
		if strings.Contains(fmt.Sprint(l.Report(), l.said, r.body), "canary") {
			t.Errorf("the secret is shown: %+v", l.Report())
		}
	}
}

func TestKeysOutOfReach(t *testing.T) {
	l := newLab(t, services("e", shut(echo(t).URL)))
	call := func() int { return get(t, l.url+"/s/e/x", "Authorization", "Bearer "+l.token(t, "e")).status }
	r := l.reloaded(t, func() { l.keyErr = fmt.Errorf("unlock: %w", secret.ErrLocked) })
	if got := call(); got != 200 || r.KeyProblem != "" || len(r.Warnings) == 0 || l.Keys().Current.IsZero() {
		t.Errorf("a locked keychain after the start: %d, report %+v", got, r)
	}
	r = l.reloaded(t, func() { l.keyErr = fmt.Errorf("no key: %w", secret.ErrNotFound) })
	if got := call(); got != 500 || r.KeyProblem == "" {
		t.Errorf("a key that was removed: %d, report %+v", got, r)
	}
	r = l.reloaded(t, func() { l.keyErr, l.keys = nil, token.Keys{Current: secret.New("weak")} })
	if got := call(); got != 401 || r.KeyProblem != "" || !strings.Contains(strings.Join(r.Warnings, " "), "short (4 bytes)") {
		t.Errorf("another key, a short one: %d, report %+v", got, r)
	}
	l.reloaded(t, func() {
		l.keys = token.Keys{Current: token.NewKey(), Former: []token.FormerKey{{Key: labKey, Until: time.Now().Add(time.Hour)}}}
	})
	if got := call(); got != 200 {
		t.Errorf("a former key: %d", got)
	}
}

// Each reference is asked for once, not one by one, and not all at a time.
func TestSecretsAreReadTogether(t *testing.T) {
	var pairs []string
	for i := range 40 {
		pairs = append(pairs, fmt.Sprintf("s%d", i), open("https://x.example", fmt.Sprintf(`"credential": {"type": "bearer", "token": "env://S%d"}`, i/2)))
	}
	var now, most, reads atomic.Int64
	l := newLab(t, services())
	l.opts.Secret = func(context.Context, secret.Ref) (secret.Value, error) {
		reads.Add(1)
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		time.Sleep(2 * time.Millisecond)
		now.Add(-1)
		return secret.New("value"), nil
	}
	l.reloaded(t, func() { l.text = services(pairs...) })
	if reads.Load() != 20 || most.Load() < 2 || most.Load() > maxReads {
		t.Errorf("%d reads, %d at a time; want 20, from 2 to %d", reads.Load(), most.Load(), maxReads)
	}
}

// Idle connections outlive a reload; those that nobody needs any more do not.
func TestConnectionsSurviveReload(t *testing.T) {
	var mu sync.Mutex
	remotes := map[string]int{}
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		remotes[r.RemoteAddr]++
	})
	l := newLab(t, services("e", open(up.URL)))
	for range 3 {
		get(t, l.url+"/s/e/x")
		l.reloaded(t, func() {})
	}
	if len(remotes) != 1 {
		t.Errorf("%d connections to the upstream, want 1", len(remotes))
	}
	l.reloaded(t, func() { l.text = services("e", open(up.URL, `"connect_timeout": 7`)) })
	get(t, l.url+"/s/e/x")
	if len(l.outward.byTimeouts) != 1 || len(l.outward.lanes) > 1 || len(remotes) != 2 {
		t.Errorf("%d transports, %d lanes, %d connections; want 1, at most 1, and 2", len(l.outward.byTimeouts), len(l.outward.lanes), len(remotes))
	}
}

func TestWarningsAreReported(t *testing.T) {
	l := newLab(t, services("e", open("http://x.example", `"base_ulr": 1`)))
	r := l.Report()
	if text := strings.Join(r.Warnings, "\n"); r.Services != 1 || !strings.Contains(text, "base_url") || !strings.Contains(text, "http://") {
		t.Errorf("report %+v", r)
	}
}

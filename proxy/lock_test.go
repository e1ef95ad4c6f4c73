package proxy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"lockbox/proxy/audit"
	"lockbox/proxy/oauthtest"
	"lockbox/proxy/secret"
	"lockbox/proxy/token"
)

func TestLock(t *testing.T) {
	up := echo(t)
	l := newLab(t, services(
		"free", open(up.URL),
		"asks", shut(up.URL, `"tunnel": true`),
		"ref", open(up.URL, `"credential": {"type": "bearer", "token": "keychain://ref/token"}`),
		"literal", open(up.URL, `"credential": {"type": "bearer", "token": "sk-literal"}`),
		"both", shut(up.URL, `"tunnel": true, "credential": {"type": "bearer", "token": "keychain://ref/token"}`),
	), func(l *lab) { l.secrets["keychain://ref/token"] = secret.New("sk-ref") })
	admin, err := token.IssueAdmin(labKey, time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	public := "http://" + opened(t, l)
	tests := []struct {
		method, url, token string
		open               int // the status when unlocked
		free               bool
	}{
		{"GET", l.url + "/healthz", "", 200, true},
		{"GET", l.url + "/s/free/x", "", 200, true},
		{"GET", l.url + "/s/asks/x", l.token(t, "asks"), 200, false},
		{"GET", l.url + "/s/asks/x", "", 401, false},
		{"GET", l.url + "/s/ref/x", "", 200, false},
		{"GET", l.url + "/s/literal/x", "", 200, false},
		{"GET", l.url + "/s/both/x", l.token(t, "both"), 200, false},
		{"GET", l.url + "/s/none/x", "", 404, true},
		{"POST", l.url + "/admin/reload", admin.Reveal(), 200, false},
		{"GET", public + "/healthz", "", 200, true},
		{"GET", public + "/s/both/x", l.token(t, "both"), 200, false},
		{"GET", public + "/s/none/x", "", 401, false},
	}
	judge := func(locked bool) {
		t.Helper()
		for _, tt := range tests {
			var headers []string
			if tt.token != "" {
				headers = []string{"Authorization", "Bearer " + tt.token}
			}
			r := do(t, request(t, tt.method, tt.url, nil, headers...))
			want := tt.open
			if locked && !tt.free {
				want = http.StatusServiceUnavailable
			}
			if r.status != want || want == 503 && r.code(t) != "locked" {
				t.Errorf("locked %v: %s answered %d %s; want %d", locked, tt.url, r.status, r.body, want)
			}
		}
	}
	judge(false)
	if l.Lock(); !l.Locked() {
		t.Fatal("it is not locked")
	}
	judge(true)
	l.opts.Secret = func(context.Context, secret.Ref) (secret.Value, error) {
		t.Error("a secret is read while locked")
		return secret.Value{}, nil
	}
	if report := l.reloaded(t, func() {}); report.KeyProblem == "" || len(report.Unavailable) != 3 {
		t.Errorf("a reload while locked: %+v", report)
	}
	judge(true)
	if !l.Keys().Current.IsZero() {
		t.Error("there is a signing key")
	}
	if _, err := l.Test(t.Context(), l.Config().Services["ref"], l.opts.Secret, Trial{Method: "GET", Path: "/"}); err == nil || !strings.Contains(err.Error(), "locked") {
		t.Errorf("Test while locked: %v", err)
	}
	l.set(func() { l.text = "{" })
	if _, err := l.Unlock(t.Context()); err == nil || !l.Locked() {
		t.Errorf("Unlock with a broken config: %v, locked %v", err, l.Locked())
	}
	judge(true)
	l.set(func() { l.text = services("free", open(up.URL)) })
	if _, err := l.Unlock(t.Context()); err != nil || l.Locked() {
		t.Errorf("Unlock: %v", err)
	}
}

// Nothing that is wrong elsewhere keeps secrets in memory.
func TestLockWithoutAuditFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	up := echo(t)
	text := fmt.Sprintf(`{"audit_log": {"type": "local_dir", "root_dir": %q}, "services": {"one": {%s}}}`, dir, shut(up.URL))
	l := newLab(t, text)
	if err := errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	l.Lock()
	if r := get(t, l.url+"/s/one/x", "Authorization", "Bearer "+l.token(t, "one")); r.status != 503 || r.code(t) != "locked" || !l.Keys().Current.IsZero() {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// What is locked is not in memory: every field of the server is looked at.
func TestLockDropsAll(t *testing.T) {
	p := newProvider(t, oauthtest.Options{Lifetime: time.Hour})
	up := echo(t)
	l := newLab(t, services(
		"ref", shut(up.URL, `"credential": {"type": "headers", "headers": {"X-Key": "keychain://ref/token"}}`),
		"basic", open(up.URL, `"credential": {"type": "basic", "username": "ada", "password": "sk-canary-literal"}`),
		"query", open(up.URL, `"credential": {"type": "query", "params": {"k": "sk-canary-param"}}`),
		"crm", p.asClient(),
	), func(l *lab) { l.secrets["keychain://ref/token"] = secret.New("sk-canary-ref") })
	tok := l.token(t, "ref")
	get(t, l.url+"/s/ref/x", "Authorization", "Bearer "+tok)
	get(t, l.url+"/s/basic/x")
	if r := get(t, l.url+"/s/crm/x"); r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	access := ""
	live, _ := l.state.Load().routes["crm"].credential.Live()
	for _, s := range live {
		access = s.Reveal()
	}
	canaries := []string{"sk-canary", "client-secret-c27d", labKey.Reveal(), tok, access}
	found := func() (hits []string) {
		seen := map[uintptr]bool{}
		for _, root := range []any{l.state.Load(), l.tokens} {
			walk(reflect.ValueOf(root), seen, func(s string) {
				for i, c := range canaries {
					if c != "" && strings.Contains(s, c) {
						hits = append(hits, []string{"a key", "the client's secret", "the signing key", "a service token", "an access token"}[i])
					}
				}
			})
		}
		return hits
	}
	if hits := found(); access == "" || len(hits) < 5 {
		t.Fatalf("the search finds only %v", hits)
	}
	connections := maps.Clone(l.outward.byTimeouts)
	l.Lock()
	if hits := found(); len(hits) > 0 {
		t.Errorf("still in memory: %v", hits)
	}
	for key, up := range l.outward.byTimeouts {
		if connections[key] == up {
			t.Error("idle connections, with what was written to them, are kept")
		}
	}
	if _, err := l.Unlock(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := get(t, l.url+"/s/crm/x"); r.status != 200 {
		t.Errorf("after Unlock: %d %s", r.status, r.body)
	}
}

// walk finds every text below v, unexported fields included.
func walk(v reflect.Value, seen map[uintptr]bool, f func(string)) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || seen[v.Pointer()] {
			return
		}
		seen[v.Pointer()] = true
		walk(v.Elem(), seen, f)
	case reflect.Interface:
		if !v.IsNil() {
			walk(v.Elem(), seen, f)
		}
	case reflect.Struct:
		// Connections are at work on theirs.
		switch v.Type().PkgPath() {
		case "net/http", "net", "bufio", "context", "reflect":
			return
		}
		if v.Type().PkgPath() == "sync/atomic" && v.NumField() == 3 && v.CanAddr() { // an atomic.Pointer
			if load := reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).MethodByName("Load"); load.IsValid() { //nolint:gosec // to look into it
				walk(load.Call(nil)[0], seen, f)
			}
			return
		}
		for i := range v.NumField() {
			walk(v.Field(i), seen, f)
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			walk(it.Key(), seen, f)
			walk(it.Value(), seen, f)
		}
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
			f(string(v.Bytes()))
			return
		}
		for i := range v.Len() {
			walk(v.Index(i), seen, f)
		}
	case reflect.String:
		f(v.String())
	}
}

// A call that is under way ends as it began.
func TestLockUnderWay(t *testing.T) {
	arrived, goOn := make(chan bool), make(chan bool)
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		printf(w, "%s", r.Header.Get("X-None"))
		_ = http.NewResponseController(w).Flush()
		arrived <- true
		<-goOn
		printf(w, "the key was %s", r.Header.Get("Authorization"))
	})
	l := newLab(t, services("ref", open(up.URL, `"credential": {"type": "bearer", "token": "keychain://ref/token"}`)),
		func(l *lab) { l.secrets["keychain://ref/token"] = secret.New("sk-canary-ref") })
	answer := make(chan reply)
	go func() { answer <- get(t, l.url+"/s/ref/x") }()
	<-arrived
	l.Lock()
	goOn <- true
	r := <-answer
	if r.status != 200 || r.err != nil || !strings.Contains(r.body, "the key was Bearer ") {
		t.Errorf("the call under way: %d %q %v", r.status, r.body, r.err)
	}
	x := l.eventually(t, "the call", func(x audit.Exchange) bool { return x.Service == "ref" && x.Status == 200 })
	if strings.Contains(x.ResponseBody.Text, "sk-canary") {
		t.Error("the record of a call that was under way shows the key")
	}
}

// A refresh token that comes while Lockbox is being locked is not lost.
func TestLockKeepsRefreshToken(t *testing.T) {
	p := newProvider(t, oauthtest.Options{Lifetime: time.Hour, Rotate: true})
	l := newLab(t, services(), func(l *lab) { p.asPerson(t, l) })
	first := l.secrets[refreshField]
	l.set(func() { l.errs["store "+refreshField] = errors.New("the vault is locked") })
	if r := get(t, l.url+"/s/mail/x"); r.status != 502 {
		t.Fatalf("%d %s; want the token unsaved", r.status, r.body)
	}
	l.Lock()
	l.set(func() { delete(l.errs, "store "+refreshField) })
	if _, err := l.Unlock(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.tokens.Rest(t.Context())
	if r := get(t, l.url+"/s/mail/x"); r.status != 200 {
		t.Errorf("after Unlock: %d %s", r.status, r.body)
	}
	l.set(func() {
		if l.secrets[refreshField].Equal(first) {
			t.Error("the new refresh token was not saved")
		}
	})
}

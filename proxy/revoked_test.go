package proxy

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"lockbox/proxy/register"
	"lockbox/proxy/token"
)

// registered gives a lab a list of tokens.
func registered(t testing.TB, r **register.Register) func(*lab) {
	t.Helper()
	return func(l *lab) {
		list, err := register.Open(filepath.Join(t.TempDir(), "tokens.jsonl"), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		l.opts.Register, *r = list, list
	}
}

// TestRevokedToken: a token that opened its service a moment ago is refused on
// the very next call, on either side and on the same connection.
func TestRevokedToken(t *testing.T) {
	var list *register.Register
	up := echo(t)
	l := newLab(t, services("e", shut(up.URL, `"tunnel": true`), "f", shut(up.URL)), registered(t, &list))
	public := "http://" + opened(t, l)
	issue := func(service, audience string) (string, token.Claims) {
		v, c, err := token.Issue(labKey, service, audience, time.Hour, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if err := list.Add(audience, c); err != nil {
			t.Fatal(err)
		}
		return v.Reveal(), c
	}
	one, claims := issue("e", "zapier")
	two, _ := issue("e", "zapier")
	other, _ := issue("f", "make")
	seen := l.token(t, "f")
	admin, err := token.IssueAdmin(labKey, time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	reload := func() reply {
		return do(t, request(t, "POST", l.url+"/admin/reload", nil, "Authorization", "Bearer "+admin.Reveal()))
	}
	want := func(step string, statuses map[string]int) {
		t.Helper()
		for url, status := range statuses {
			tok := map[string]string{"one": one, "two": two, "other": other, "seen": seen}[url]
			base := l.url + "/s/e/x"
			switch url {
			case "other", "seen":
				base = l.url + "/s/f/x"
			}
			for range 2 {
				if r := get(t, base, "Authorization", "Bearer "+tok); r.status != status {
					t.Errorf("%s: %s: %d %s, want %d", step, url, r.status, r.body, status)
				}
			}
		}
	}
	want("at first", map[string]int{"one": 200, "two": 200, "other": 200, "seen": 200})
	if r := get(t, public+"/s/e/x", "Authorization", "Bearer "+one); r.status != 200 {
		t.Errorf("the public side: %d", r.status)
	}
	if i, _ := list.Get(claims.JTI); i.Calls != 3 || time.Since(i.LastUsed) > time.Minute {
		t.Errorf("calls on record: %+v", i)
	}

	if err := list.Revoke(claims.JTI, time.Now()); err != nil {
		t.Fatal(err)
	}
	want("one revoked", map[string]int{"one": 401, "two": 200, "other": 200, "seen": 200})
	if r := get(t, l.url+"/s/e/x", "Authorization", "Bearer "+one); r.header.Get("X-Lockbox-Error") != "token_revoked" {
		t.Errorf("the refusal is %v %s", r.header, r.body)
	}
	gone, unknown := get(t, public+"/s/e/x", "Authorization", "Bearer "+one), get(t, public+"/s/nobody/x", "Authorization", "Bearer "+one)
	if gone.status != 401 || gone.body != unknown.body {
		t.Errorf("the public side tells a revoked token from an unknown service: %q, %q", gone.body, unknown.body)
	}
	if i, _ := list.Get(claims.JTI); i.Calls != 3 {
		t.Errorf("a refused call counts: %+v", i)
	}

	if n, err := list.RevokeAll("e", "", time.Now()); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	want("the service's revoked", map[string]int{"one": 401, "two": 401, "other": 200, "seen": 200})
	if r := reload(); r.status != 200 {
		t.Errorf("the admin token: %d %s", r.status, r.body)
	}
	if err := list.Panic(time.Now()); err != nil {
		t.Fatal(err)
	}
	want("after a panic", map[string]int{"one": 401, "two": 401, "other": 401, "seen": 401})
	if r := reload(); r.status != 401 {
		t.Errorf("the admin token after a panic: %d %s", r.status, r.body)
	}
	one, _ = issue("e", "zapier")
	want("with a new token", map[string]int{"one": 200, "two": 401})
}

// What a list of 100,000 tokens adds to a call: compare with Empty.
func BenchmarkRegister(b *testing.B) {
	for _, size := range []int{0, 100_000} {
		var list *register.Register
		l := newLab(b, services("e", shut("http://127.0.0.1:1")), registered(b, &list))
		fill(b, list, size)
		raw := l.token(b, "e")
		st := l.acquire()
		rt := st.routes["e"]
		name := fmt.Sprintf("%d", size)
		b.Run("Known/"+name, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := st.judge(raw, rt, time.Now()); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("New/"+name, func(b *testing.B) {
			for b.Loop() {
				rt.callers.known = nil
				if _, _, err := st.judge(raw, rt, time.Now()); err != nil {
					b.Fatal(err)
				}
			}
		})
		st.release()
	}
}

func fill(b testing.TB, list *register.Register, n int) {
	b.Helper()
	all := make([]token.Claims, n)
	for i := range all {
		all[i] = token.Claims{JTI: fmt.Sprintf("%032d", i), Service: "e", Audience: []string{"a"}, IssuedAt: time.Now(), Expires: time.Now().Add(time.Hour)}
	}
	if err := list.Add("", all...); err != nil {
		b.Fatal(err)
	}
}

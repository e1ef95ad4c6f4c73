package backend

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// damaged puts a line that tells nothing into a list of tokens.
func damaged(t *testing.T, path string) (text []byte) {
	t.Helper()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = append([]byte("garbage\n"), whole...)
	write(t, path, text)
	return text
}

// TestDamagedTokens: a list that cannot be read is no empty one. A command ends
// with an error; a desktop comes up, lets no token pass and says what to do.
func TestDamagedTokens(t *testing.T) {
	b, stop := startWith(t, withTokens(t))
	waitFor(t, "the proxy to serve", func() bool { return b.View().Phase == Running })
	out, revoked := newToken(t, b, TokenRequest{Service: "acme", Audience: "zapier"}), newToken(t, b, TokenRequest{Service: "acme", Audience: "make"})
	if err := b.RevokeToken(t.Context(), revoked.ID); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	path := tokensPath(b.opts)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := damaged(t, path)
	if _, err := Open(t.Context(), b.opts); err == nil || !strings.Contains(err.Error(), "line 1 of the list of tokens "+path) {
		t.Errorf("without a desktop: %v", err)
	}

	old := b
	b = start(t, func(o *Options) { again(old)(o); o.Desktop = true })
	refused := func(when string) {
		t.Helper()
		for _, tok := range []Token{out, revoked} {
			if status, body := get(t, b.View().BaseURL+"/s/acme/x", tok.Value.Reveal()); status != 503 || !strings.Contains(body, "tokens_unreadable") {
				t.Errorf("%s: a call with a token: %d %s", when, status, body)
			}
		}
		if p := b.View().Problem; p.Action != "aside" || !strings.Contains(p.Text, "Line 1 of "+path) {
			t.Errorf("%s: the problem is %+v", when, p)
		}
		if _, err := b.MakeToken(t.Context(), "acme", "", 0); err == nil {
			t.Errorf("%s: a token is made that no list has", when)
		}
	}
	refused("at the start")
	if status, _ := get(t, b.View().BaseURL+"/s/open/x", ""); status != 200 {
		t.Errorf("what needs no token: %d", status)
	}
	if err := b.Retry(t.Context()); err == nil {
		t.Error("a retry says that it worked")
	}
	refused("after a retry")

	// The file is restored: all is as it was.
	write(t, path, good)
	if err := b.Retry(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !opens(t, b, out) || opens(t, b, revoked) || !b.View().Problem.IsZero() {
		t.Errorf("with the list restored, a token is wrong, or there is a problem: %+v", b.View().Problem)
	}

	// It is damaged while the proxy runs: what was just good passes no more.
	damaged(t, path)
	waitFor(t, "the damage to be seen", func() bool { return b.View().Problem.Action == "aside" })
	refused("while it runs")

	copied, err := b.SetTokensAside(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(copied)
	if err != nil || !bytes.Equal(kept, text) {
		t.Errorf("the copy %s differs from the damaged list: %v", copied, err)
	}
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 || filepath.Dir(copied) != filepath.Dir(path) {
		t.Errorf("the copy is %s, %v", copied, info.Mode())
	}
	fresh := newToken(t, b, TokenRequest{Service: "acme"})
	if opens(t, b, out) || opens(t, b, revoked) || !opens(t, b, fresh) || !b.View().Problem.IsZero() {
		t.Errorf("set aside, a token is wrong, or there is a problem: %+v", b.View().Problem)
	}
	if i, ok := b.TokenByID(out.ID); !ok || i.Revoked.IsZero() {
		t.Errorf("what could be read is lost: %+v", i)
	}
	if copied, err := b.SetTokensAside(t.Context()); copied != "" || err != nil || !opens(t, b, fresh) {
		t.Errorf("a good list is set aside: %q, %v", copied, err)
	}
}

// TestUnreadableTokens: what is no damage of the file can be put right and tried
// again, and nothing is set aside.
func TestUnreadableTokens(t *testing.T) {
	o := func(o *Options) {
		withTokens(t)(o)
		o.Desktop = true
		if err := os.MkdirAll(tokensPath(*o), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	b := start(t, o)
	if p := b.View().Problem; p.Action != "retry" || !strings.Contains(p.Text, "tokens.jsonl") {
		t.Errorf("the problem is %+v", p)
	}
	if copied, err := b.SetTokensAside(t.Context()); copied != "" || err == nil {
		t.Errorf("set aside: %q, %v", copied, err)
	}
	if err := os.Remove(tokensPath(b.opts)); err != nil {
		t.Fatal(err)
	}
	if err := b.Retry(t.Context()); err != nil {
		t.Fatal(err)
	}
	if tok := newToken(t, b, TokenRequest{Service: "acme"}); !opens(t, b, tok) || !b.View().Problem.IsZero() {
		t.Errorf("after a retry: %+v", b.View().Problem)
	}
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

package backend

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
)

// withTokens is a config whose service needs a token.
func withTokens(t *testing.T) func(*Options) {
	return func(o *Options) {
		text := `{"services": {
	"acme": {"base_url": "lockbox://demo"},
	"other": {"base_url": "lockbox://demo", "valid_audiences": ["zapier", "make"]},
	"open": {"base_url": "lockbox://demo", "requires_service_token": false},
	"shut": {"base_url": "lockbox://demo", "valid_audiences": []}}}`
		if err := config.WriteFile(o.ConfigPath, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
}

// again starts another backend on the files of one that was stopped.
func again(b *Backend) func(*Options) {
	return func(o *Options) {
		o.ConfigPath, o.StateDir, o.SigningKeyFile = b.opts.ConfigPath, b.opts.StateDir, b.opts.SigningKeyFile
	}
}

func newToken(t *testing.T, b *Backend, r TokenRequest) Token {
	t.Helper()
	tok, err := b.NewToken(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func opens(t *testing.T, b *Backend, tok Token) bool {
	t.Helper()
	status, body := get(t, b.View().BaseURL+"/s/"+tok.Service+"/x", tok.Value.Reveal())
	if status != 200 && status != 401 {
		t.Errorf("%d %s", status, body)
	}
	return status == 200
}

// TestTokens: a token is listed, counted, revoked, and that survives a restart.
func TestTokens(t *testing.T) {
	b, stop := startWith(t, withTokens(t))
	waitFor(t, "the proxy to serve", func() bool { return b.View().Phase == Running })
	zap := newToken(t, b, TokenRequest{Service: "acme", Audience: "zapier", Label: " My zap ", Lifetime: time.Hour})
	dated := newToken(t, b, TokenRequest{Service: "acme", Audience: "n8n", Expires: time.Now().Add(48 * time.Hour)})
	usual := newToken(t, b, TokenRequest{Service: "other"})
	if zap.Label != "My zap" || usual.Audience != "zapier" || time.Until(dated.Expires).Round(time.Hour) != 48*time.Hour {
		t.Errorf("got %+v, %+v, %+v", zap, dated, usual)
	}
	if got := b.LastAudiences("acme", 5); !slices.Equal(got, []string{"n8n", "zapier"}) {
		t.Errorf("the last audiences are %v", got)
	}
	want := map[string][]string{"acme": {"n8n", "zapier", "desktop"}, "other": {"zapier"}, "open": {"desktop"}}
	if got := b.OfferedAudiences([]string{"acme", "other", "open", "shut", "gone"}, 3); !reflect.DeepEqual(got, want) {
		t.Errorf("offered are %v, want %v", got, want)
	}
	if got := b.OfferedAudiences([]string{"acme"}, 1)["acme"]; !slices.Equal(got, []string{"n8n"}) {
		t.Errorf("of one, offered is %v", got)
	}
	for _, tok := range []Token{zap, zap, dated, usual} {
		if !opens(t, b, tok) {
			t.Errorf("a new token for %s is refused", tok.Service)
		}
	}
	if i, ok := b.TokenByID(zap.ID); !ok || i.Calls != 2 || i.Service != "acme" || !i.Live(time.Now()) {
		t.Errorf("on the list: %+v", i)
	}
	if err := b.RevokeToken(t.Context(), zap.ID); err != nil {
		t.Fatal(err)
	}
	if opens(t, b, zap) || !opens(t, b, dated) {
		t.Error("after one was revoked, it or another is wrong")
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}

	b = start(t, again(b))
	if opens(t, b, zap) || !opens(t, b, dated) {
		t.Error("after a restart, a revoked token or a good one is wrong")
	}
	if i, _ := b.TokenByID(zap.ID); i.Calls != 2 || i.Revoked.IsZero() {
		t.Errorf("after a restart: %+v", i)
	}
	if n, err := b.RevokeTokens(t.Context(), "acme", ""); n != 1 || err != nil {
		t.Errorf("revoking a service: %d, %v", n, err)
	}
	if opens(t, b, dated) || !opens(t, b, usual) {
		t.Error("after a service was revoked, its token or another is wrong")
	}
	text, err := os.ReadFile(tokensPath(b.opts))
	if err != nil {
		t.Fatal(err)
	}
	for _, tok := range []Token{zap, dated, usual} {
		if parts := strings.Split(tok.Value.Reveal(), "."); containsAny(string(text), parts[1], parts[2]) {
			t.Error("the list holds a token")
		}
	}
}

func TestCheckToken(t *testing.T) {
	b := start(t, withTokens(t))
	tests := []struct {
		name  string
		r     TokenRequest
		field string // that is at fault; "" none
	}{
		{"good", TokenRequest{Service: "acme", Audience: "x", Lifetime: time.Hour}, ""},
		{"no service", TokenRequest{}, "service"},
		{"unknown service", TokenRequest{Service: "nobody"}, "service"},
		{"audience not allowed", TokenRequest{Service: "other", Audience: "n8n"}, "audience"},
		{"no audience allowed", TokenRequest{Service: "shut", Audience: "n8n"}, "audience"},
		{"odd audience", TokenRequest{Service: "acme", Audience: "a\nb"}, "audience"},
		{"long label", TokenRequest{Service: "acme", Label: strings.Repeat("x", maxLabel+1)}, "label"},
		{"label of two lines", TokenRequest{Service: "acme", Label: "a\nb"}, "label"},
		{"over already", TokenRequest{Service: "acme", Expires: time.Now().Add(-time.Second)}, "expires"},
		{"negative", TokenRequest{Service: "acme", Lifetime: -time.Second}, "expires"},
		{"for ever", TokenRequest{Service: "acme", Expires: time.Now().Add(200 * 365 * 24 * time.Hour)}, "expires"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bad := b.CheckToken(tt.r)
			if len(bad) > 1 || (bad[tt.field] == "") != (tt.field == "") {
				t.Errorf("got %v, want trouble with %q", bad, tt.field)
			}
			_, err := b.NewToken(t.Context(), tt.r)
			if fields := (Fields{}); errors.As(err, &fields) != (tt.field != "") {
				t.Errorf("NewToken: %v", err)
			}
		})
	}
	if got := len(b.Tokens()); got != 1 {
		t.Errorf("%d tokens are listed, want the good one", got)
	}
}

// TestPanic: calls are paused and every token is worthless, also after a restart,
// until the person resumes and makes new ones.
func TestPanic(t *testing.T) {
	for _, elsewhere := range []bool{false, true} {
		t.Run(fmt.Sprintf("elsewhere %v", elsewhere), func(t *testing.T) {
			b, stop := startWith(t, withTokens(t))
			waitFor(t, "the proxy to serve", func() bool { return b.View().Phase == Running })
			tok := newToken(t, b, TokenRequest{Service: "acme", Audience: "zapier"})
			if p := b.PanicPlan(); p.Tokens != 1 || !slices.Equal(p.Services, []string{"acme"}) || !slices.Equal(p.Audiences, []string{"zapier"}) {
				t.Errorf("the plan is %+v", p)
			}
			key := b.server.Keys().Current
			shut := b.Panic
			if elsewhere {
				shut = func(ctx context.Context) error { return PanicElsewhere(ctx, b.opts) }
			}
			if err := shut(t.Context()); err != nil {
				t.Fatal(err)
			}
			waitFor(t, "the pause and the new key", func() bool { return b.View().Phase == Paused && !b.server.Keys().Current.Equal(key) })
			if err := stop(); err != nil {
				t.Fatal(err)
			}

			b, stop = startWith(t, again(b))
			waitFor(t, "the pause after a restart", func() bool { return b.View().Phase == Paused })
			b.SetPaused(false)
			if opens(t, b, tok) {
				t.Error("a token from before the panic opens its service")
			}
			fresh := newToken(t, b, TokenRequest{Service: "acme", Audience: "zapier"})
			if !opens(t, b, fresh) {
				t.Error("a new token is refused")
			}
			if err := b.noteResumed(); err != nil {
				t.Fatal(err)
			}
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			b = start(t, again(b))
			if status, _ := get(t, b.View().BaseURL+"/s/open/x", ""); status != 200 {
				t.Errorf("resumed and started anew: %d", status)
			}
			if opens(t, b, tok) || !opens(t, b, fresh) {
				t.Error("resumed and started anew, the old token or the new one is wrong")
			}
		})
	}
}

// TestRotateGrace: with a grace time the tokens that are out go on.
func TestRotateGrace(t *testing.T) {
	b := start(t, withTokens(t))
	tok := newToken(t, b, TokenRequest{Service: "acme"})
	if err := b.RotateKey(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if i := b.Keys(); !opens(t, b, tok) || len(i.Former) != 1 || i.Weak || i.Replaced.IsZero() {
		t.Errorf("after a rotation with grace: %+v", i)
	}
	original := secret.New("the original's key, with its line break\n")
	if err := b.ImportKey(t.Context(), original, time.Hour); err != nil {
		t.Fatal(err)
	}
	if !opens(t, b, tok) || !b.server.Keys().Current.Equal(original) {
		t.Error("after an import with grace")
	}
	if err := ReplaceKey(t.Context(), b.opts, NewSigningKey(), 0); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the key of another process", func() bool { return !opens(t, b, tok) })
	if err := b.ImportKey(t.Context(), secret.New(" \n"), 0); err == nil {
		t.Error("a blank key is taken")
	}
}

package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const canary = "sk-canary-7f3a"

type holder struct {
	Name   string
	Public Value
	hidden Value
}

func TestValueNeverPrints(t *testing.T) {
	v := New(canary)
	h := holder{"n", v, v}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%T"} {
		for _, x := range []any{v, &v, h, &h, []Value{v}, map[string]Value{"k": v}, Source{Literal: v}} {
			out := fmt.Sprintf(verb, x)
			if strings.Contains(out, canary) || strings.Contains(strings.ToLower(out), fmt.Sprintf("%x", canary)) {
				t.Errorf("Sprintf(%q, %T) shows the secret", verb, x)
			}
		}
	}
	j, err := json.Marshal(map[string]any{"v": v, "h": h, "s": Source{Literal: v}})
	if err != nil || bytes.Contains(j, []byte(canary)) {
		t.Errorf("json.Marshal: err %v, shows the secret: %v", err, bytes.Contains(j, []byte(canary)))
	}
	var log bytes.Buffer
	for _, l := range []*slog.Logger{slog.New(slog.NewTextHandler(&log, nil)), slog.New(slog.NewJSONHandler(&log, nil))} {
		l.Info("x", "v", v, "h", h, "p", &v)
	}
	if strings.Contains(log.String(), canary) {
		t.Error("slog shows the secret")
	}
	if got := v.Reveal(); got != canary {
		t.Error("Reveal does not give the secret back")
	}
	if h.hidden.IsZero() || !New("").IsZero() || !New(canary).Equal(v) || New("other").Equal(v) || v.Len() != len(canary) {
		t.Error("IsZero, Equal or Len is wrong")
	}
}

func TestParseRef(t *testing.T) {
	tests := []struct {
		in   string
		want Ref
		ok   bool
	}{
		{"keychain://acme/token", Ref{Keychain, "acme", "token"}, true},
		{"keychain://acme/headers/X-Api-Key", Ref{Keychain, "acme", "headers/X-Api-Key"}, true},
		{"keychain://a%20b/c%2Fd", Ref{Keychain, "a b", "c/d"}, true},
		{"env://GITHUB_TOKEN", Ref{Env, "", "GITHUB_TOKEN"}, true},
		{"file:///run/secrets/x", Ref{File, "", "/run/secrets/x"}, true},
		{"keychain://acme", Ref{}, false},
		{"keychain:///token", Ref{}, false},
		{"keychain://acme/", Ref{}, false},
		{"keychain://acme/to%0aken", Ref{}, false},
		{"keychain://acme/%zz", Ref{}, false},
		{"env://", Ref{}, false},
		{"env://A=B", Ref{}, false},
		{"file://relative", Ref{}, false},
		{"vault://a/b", Ref{}, false},
		{canary, Ref{}, false},
	}
	for _, tt := range tests {
		got, err := ParseRef(tt.in)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("ParseRef(%q) = %+v, %v; want %+v, ok %v", tt.in, got, err, tt.want, tt.ok)
		}
		if err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("the error repeats what may be a key: %v", err)
		}
		if err == nil {
			if again, err := ParseRef(got.String()); again != got || err != nil {
				t.Errorf("ParseRef(%q) = %+v, %v; want it back", got.String(), again, err)
			}
		}
	}
}

func TestParseSource(t *testing.T) {
	if s, err := ParseSource(canary); err != nil || s.IsRef() || s.Literal.Reveal() != canary {
		t.Errorf("a literal: %v, %v", s, err)
	}
	if s, err := ParseSource("env://X"); err != nil || !s.IsRef() || !s.Literal.IsZero() {
		t.Errorf("a reference: %v, %v", s, err)
	}
	if _, err := ParseSource("keychain://x"); err == nil {
		t.Error("a malformed reference was taken for a literal")
	}
	if s, err := ParseSource(""); err != nil || !s.IsZero() {
		t.Errorf("empty: %v, %v", s, err)
	}
}

func FuzzParseRef(f *testing.F) {
	for _, s := range []string{"keychain://a/b", "env://A", "file:///x", "keychain://a%2f/b%25", "://"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRef(s)
		if err != nil {
			return
		}
		if again, err := ParseRef(r.String()); err != nil || again != r {
			t.Errorf("%q: %+v written as %q reads as %+v, %v", s, r, r.String(), again, err)
		}
	})
}

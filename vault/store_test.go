package vault

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/secret"
)

// quick is a context for a call that must not wait for anyone.
func quick(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func state(t *testing.T, s Store, want State) {
	t.Helper()
	got := s.Status(quick(t))
	if got.State != want || (got.Message == "") != (want == Ready) {
		t.Errorf("Status() = %+v; want %s", got, want)
	}
}

// refuses checks that no call works, that each says so as want and with words, and
// that none waits.
func refuses(t *testing.T, s Store, want State, is error, words string) {
	t.Helper()
	ctx := quick(t)
	begin := time.Now()
	_, get := s.Get(ctx, "acme", "token")
	_, list := s.List(ctx)
	for op, err := range map[string]error{
		"Get": get, "List": list,
		"Set": s.Set(ctx, "acme", "token", secret.New("sk-canary")), "Delete": s.Delete(ctx, "acme", "token"),
		"Apply": s.Apply(ctx, []Change{{secret.KeychainRef("acme", "token"), secret.New("sk-canary")}, {secret.KeychainRef("acme", "x"), secret.Value{}}}),
	} {
		var e *Error
		if op == "Delete" && want == Missing { // there is nothing to delete
			if err != nil {
				t.Errorf("Delete: %v", err)
			}
			continue
		}
		if !errors.As(err, &e) || e.State != want || !errors.Is(err, is) || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v; want %s, %v, with %q", op, err, want, is, words)
		}
	}
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("the refusals took %v", d)
	}
	state(t, s, want)
}

// stored is what testStore leaves in a store, less acme/token.
var stored = []struct{ service, field, value string }{
	{"acme", "token", "sk-one"},
	{"acme", "headers/X-Api-Key/value", "sk-two"},
	{"acme/token", "x", "sk-three"},
	{"acme", "token/x", "sk-four"},
	{"ACME", "token", "sk-five"},
	{"a b%2Fc", `"quotes' $(x) \ %`, "sk-six"},
	{"żółw 🐢", "пароль", "zażółć 🔑"},
	{"lines", "x", "one\ntwo\n"},
	{"bytes", "x", "\x00\xff\xfe\x01"},
	{"long", "x", strings.Repeat("0123456789", 10_000)},
	{strings.Repeat("n", 300), "x", "sk-seven"},
}

// testStore is what every open and empty store does.
func testStore(t *testing.T, s Store) {
	t.Helper()
	ctx := t.Context()
	state(t, s, Ready)
	if err := s.Unlock(quick(t)); err != nil {
		t.Errorf("Unlock of an open store: %v", err)
	}
	if got, err := s.List(ctx); err != nil || len(got) != 0 {
		t.Errorf("List of an empty store = %v, %v", got, err)
	}
	for _, tt := range stored {
		if err := s.Set(ctx, tt.service, tt.field, secret.New(tt.value)); err != nil {
			t.Errorf("Set(%q, %q): %v", tt.service, tt.field, err)
		}
	}
	var want []secret.Ref
	for _, tt := range stored {
		got, err := s.Get(ctx, tt.service, tt.field)
		if err != nil || got.Reveal() != tt.value {
			t.Errorf("Get(%q, %q): %d bytes, %v; want what was set, %d bytes", tt.service, tt.field, got.Len(), err, len(tt.value))
		}
		want = append(want, secret.KeychainRef(tt.service, tt.field))
	}
	slices.SortFunc(want, func(a, b secret.Ref) int { return strings.Compare(a.String(), b.String()) })
	if got, err := s.List(ctx); err != nil || !slices.Equal(got, want) {
		t.Errorf("List() = %v, %v; want %v", got, err, want)
	}
	if err := s.Set(ctx, "acme", "token", secret.New("sk-new")); err != nil {
		t.Error(err)
	}
	if got, err := Resolve(ctx, s, secret.KeychainRef("acme", "token")); err != nil || got.Reveal() != "sk-new" {
		t.Errorf("after a second Set: %d bytes, %v", got.Len(), err)
	}
	for range 2 { // the second finds nothing to delete
		if err := s.Delete(ctx, "acme", "token"); err != nil {
			t.Error(err)
		}
	}
	if got, err := s.Get(ctx, "acme", "token"); !errors.Is(err, secret.ErrNotFound) || !got.IsZero() || !strings.Contains(err.Error(), "keychain://acme/token") {
		t.Errorf("Get of a deleted secret: %v", err)
	}
	if got, err := s.List(ctx); err != nil || len(got) != len(want)-1 {
		t.Errorf("List() has %d after a Delete, %v; want %d", len(got), err, len(want)-1)
	}
	testApply(t, s)
	for _, bad := range []Change{
		{secret.KeychainRef("", "token"), secret.New("x")},
		{secret.KeychainRef("a", "to\nken"), secret.New("x")},
		{secret.KeychainRef("a", "b"), secret.New(strings.Repeat("x", linuxValue+1))},
	} {
		if err := s.Set(ctx, bad.Ref.Service, bad.Ref.Field, bad.Value); err == nil || errors.Is(err, secret.ErrLocked) {
			t.Errorf("Set(%q, %q): %v; want it refused", bad.Ref.Service, bad.Ref.Field, err)
		}
	}
	if err := s.Set(ctx, "a", "b", secret.Value{}); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("Set of nothing: %v", err)
	}
	s.Lock() // which a keychain does not mind
}

func testApply(t *testing.T, s Store) {
	t.Helper()
	ctx := t.Context()
	ref := func(field string) secret.Ref { return secret.KeychainRef("apply", field) }
	if err := s.Apply(ctx, []Change{{ref("a"), secret.New("1")}, {ref("b"), secret.New("2")}, {ref("a"), secret.New("3")}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Apply(ctx, []Change{{ref("b"), secret.Value{}}, {ref("none"), secret.Value{}}, {ref("c"), secret.New("4")}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Apply(ctx, nil); err != nil {
		t.Errorf("Apply of nothing: %v", err)
	}
	for field, want := range map[string]string{"a": "3", "b": "", "c": "4"} {
		if got, err := s.Get(ctx, "apply", field); got.Reveal() != want || (want == "") != errors.Is(err, secret.ErrNotFound) {
			t.Errorf("after Apply, %s has %d bytes, %v; want %d", field, got.Len(), err, len(want))
		}
	}
	if err := s.Apply(ctx, []Change{{ref("a"), secret.Value{}}, {ref("c"), secret.Value{}}}); err != nil {
		t.Error(err)
	}
}

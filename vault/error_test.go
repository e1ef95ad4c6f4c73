package vault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"lockbox/proxy/secret"
)

func TestErrorWords(t *testing.T) {
	kinds := []error{secret.ErrLocked, secret.ErrUnavailable, secret.ErrNotFound}
	tests := []struct {
		err  Error
		is   error // of kinds; nil: none
		want string
	}{
		{Error{State: Locked}, secret.ErrLocked, "unlock it here"},
		{Error{State: Locked, Err: errDismissed}, secret.ErrLocked, "cancelled"},
		{Error{State: Locked, Err: errAsks}, secret.ErrLocked, "allow Lockbox"},
		{Error{State: Locked, Err: context.DeadlineExceeded}, secret.ErrLocked, "in time"},
		{Error{State: Missing}, secret.ErrLocked, "no keychain yet"},
		{Error{State: NoService}, secret.ErrUnavailable, "env://NAME"},
		{Error{State: NoBus, Err: errors.New("x")}, secret.ErrUnavailable, "D-Bus"},
		{Error{State: Unanswering, Err: context.DeadlineExceeded}, secret.ErrUnavailable, "does not answer"},
		{Error{State: Unanswering, Err: context.Canceled}, secret.ErrUnavailable, "given up"},
		{Error{State: Unanswering, Err: errors.New("disk full")}, secret.ErrUnavailable, "disk full"},
		{Error{State: Ready, Err: secret.ErrNotFound}, secret.ErrNotFound, "no such secret"},
		{Error{State: Ready, Err: errors.New("too big")}, nil, "too big"},
	}
	for _, tt := range tests {
		tt.err.Op = "cannot read keychain://acme/token"
		text := tt.err.Error()
		if !strings.HasPrefix(text, "cannot read keychain://acme/token: ") || !strings.Contains(text, tt.want) || strings.HasSuffix(text, ".") {
			t.Errorf("%s: %q; want it to name the operation and %q", tt.err.State, text, tt.want)
		}
		for _, kind := range kinds {
			if got := errors.Is(&tt.err, kind); got != (kind == tt.is) {
				t.Errorf("%q: Is(%v) = %v", text, kind, got)
			}
		}
		if s := tt.err.sentence(); !strings.HasSuffix(s, ".") || s[:1] != strings.ToUpper(s[:1]) || strings.Contains(s, "acme") {
			t.Errorf("sentence() = %q", s)
		}
	}
}

func TestFailure(t *testing.T) {
	inner := fmt.Errorf("reading it back: %w", &Error{State: Locked, Err: errDismissed})
	tests := []struct {
		err  error
		want State
	}{
		{inner, Locked},
		{secret.ErrNotFound, Ready},
		{errors.ErrUnsupported, Ready},
		{errors.New("odd"), Unanswering},
	}
	for _, tt := range tests {
		got := failure("op", tt.err)
		if got.State != tt.want || got.Op != "op" || !strings.HasPrefix(got.Error(), "op: ") {
			t.Errorf("failure(%v) = %+v; want %s", tt.err, got, tt.want)
		}
	}
	if !errors.Is(failure("op", inner), errDismissed) {
		t.Error("failure loses the cause")
	}
}

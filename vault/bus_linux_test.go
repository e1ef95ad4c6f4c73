package vault

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"lockbox/proxy/secret"
)

func TestSocketOf(t *testing.T) {
	tests := []struct{ list, want string }{
		{"unix:path=/run/user/1000/bus", "/run/user/1000/bus"},
		{"unix:path=/run/bus,guid=0123", "/run/bus"},
		{"unix:guid=0123,abstract=/tmp/dbus-x", "@/tmp/dbus-x"},
		{"tcp:host=x,port=1;unix:path=/a%20b", "/a b"},
		{"unix:path=", ""},
		{"unix:path=%zz", ""},
		{"unix:tmpdir=/tmp", ""},
		{"autolaunch:", ""},
		{"", ""},
	}
	for _, tt := range tests {
		got, err := socketOf(tt.list)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("socketOf(%q) = %q, %v; want %q", tt.list, got, err, tt.want)
		}
	}
}

func FuzzSocketOf(f *testing.F) {
	for _, s := range []string{"unix:path=/run/bus", "unix:abstract=x,guid=1;tcp:host=h", "unix:path=%2", ";,=:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, list string) {
		path, err := socketOf(list)
		if (path == "") != (err != nil) || strings.ContainsRune(path, 0) {
			t.Errorf("socketOf(%q) = %q, %v", list, path, err)
		}
	})
}

func TestExplain(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	name := func(s string) error { return *dbus.NewError(s, []any{"words"}) }
	tests := []struct {
		ctx  context.Context
		err  error
		want State
	}{
		{t.Context(), name("org.freedesktop.DBus.Error.ServiceUnknown"), NoService},
		{t.Context(), name("org.freedesktop.DBus.Error.NameHasNoOwner"), NoService},
		{t.Context(), name("org.freedesktop.DBus.Error.Spawn.ChildExited"), NoService},
		{t.Context(), name("org.freedesktop.DBus.Error.NoReply"), Unanswering},
		{t.Context(), name("org.freedesktop.Secret.Error.IsLocked"), Locked},
		{t.Context(), name("org.freedesktop.DBus.Error.Failed"), Unanswering},
		{t.Context(), dbus.ErrClosed, Unanswering},
		{over, dbus.ErrClosed, Unanswering},
	}
	for _, tt := range tests {
		var e *Error
		if err := explain(tt.ctx, tt.err); !errors.As(err, &e) || e.State != tt.want {
			t.Errorf("explain(%v) = %v; want %s", tt.err, err, tt.want)
		}
	}
	if err := explain(over, dbus.ErrClosed); !errors.Is(err, context.Canceled) {
		t.Errorf("explain after a cancel = %v", err)
	}
	if err := explain(over, nil); err != nil {
		t.Errorf("explain(nil) = %v", err)
	}
}

// A bus that takes connections and says nothing must hold no call up, nor leave
// anything behind.
func TestSilentBus(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bus")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+path)
	before := runtime.NumGoroutine()
	k := NewKeychain()
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		begin := time.Now()
		_, err := k.Get(ctx, "acme", "token")
		if !errors.Is(err, secret.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > time.Second {
			t.Errorf("Get: %v after %v", err, time.Since(begin))
		}
		cancel()
	}
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}

func TestBusSocket(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", dir)
	if _, err := busSocket(); err == nil {
		t.Error("a bus where there is none")
	}
	if got := NewKeychain().Status(t.Context()); got.State != NoBus {
		t.Errorf("Status = %+v; want %s", got, NoBus)
	}
	if err := os.WriteFile(filepath.Join(dir, "bus"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := busSocket(); err != nil || got != filepath.Join(dir, "bus") {
		t.Errorf("busSocket() = %q, %v", got, err)
	}
}

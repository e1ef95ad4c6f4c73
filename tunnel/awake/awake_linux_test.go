//go:build desktop

package awake

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// bus is a system bus of the test's own.
func bus(t *testing.T) *dbus.Conn {
	t.Helper()
	config := filepath.Join(t.TempDir(), "bus.conf")
	if err := os.WriteFile(config, []byte(`<busconfig><type>system</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth>
<policy context="default"><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/><allow user="*"/></policy></busconfig>`), 0o600); err != nil {
		t.Fatal(err)
	}
	daemon := exec.Command("dbus-daemon", "--nofork", "--print-address", "--config-file="+config)
	out, err := daemon.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = daemon.Process.Kill()
		_ = daemon.Wait()
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", strings.TrimSpace(address))
	conn, err := dbus.ConnectSystemBus()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// manager stands in for logind's.
type manager struct {
	asked  chan []string
	lock   dbus.UnixFD
	refuse atomic.Bool
}

// Inhibit is org.freedesktop.login1.Manager's.
func (m *manager) Inhibit(what, by, why, mode string) (dbus.UnixFD, *dbus.Error) {
	m.asked <- []string{what, by, why, mode}
	if m.refuse.Load() {
		return 0, dbus.NewError("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", []any{"Access denied"})
	}
	return m.lock, nil
}

func TestHold(t *testing.T) {
	conn := bus(t)
	if _, err := Hold(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "logind does not keep") {
		t.Errorf("without logind: %v", err)
	}
	kept, lock, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	m := &manager{asked: make(chan []string, 1), lock: dbus.UnixFD(lock.Fd())}
	if err := conn.Export(m, "/org/freedesktop/login1", "org.freedesktop.login1.Manager"); err != nil {
		t.Fatal(err)
	}
	if reply, err := conn.RequestName("org.freedesktop.login1", 0); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatal(reply, err)
	}
	m.refuse.Store(true)
	if _, err := Hold(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "Access denied") {
		t.Errorf("refused: %v", err)
	}
	<-m.asked
	m.refuse.Store(false)
	release, err := Hold(t.Context(), "The tunnel is open")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(<-m.asked, "|"); got != "idle:sleep|Lockbox|The tunnel is open|block" {
		t.Errorf("asked for %s", got)
	}
	// logind sees the lock end with the last copy of it.
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { _, err := kept.Read(make([]byte, 1)); ended <- err }()
	select {
	case err := <-ended:
		t.Fatalf("it is let go too early: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	if err := release(); err != nil {
		t.Error(err)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, io.EOF) {
			t.Errorf("the lock: %v", err)
		}
	case <-time.After(time.Minute):
		t.Error("it is not let go")
	}
}

func TestHoldWithoutBus(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "none"))
	if _, err := Hold(context.Background(), "x"); err == nil || !strings.Contains(err.Error(), "D-Bus cannot be reached") {
		t.Errorf("got %v", err)
	}
}

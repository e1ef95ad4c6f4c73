package awake

import (
	"context"
	"fmt"
	"os"

	"github.com/godbus/dbus/v5"
)

// Hold keeps the computer awake until release is called. Why is shown by the
// system, such as by systemd-inhibit --list. It asks logind:
// https://systemd.io/INHIBITOR_LOCKS.
func Hold(ctx context.Context, why string) (release func() error, err error) {
	ctx, cancel := context.WithTimeout(ctx, holdTime)
	defer cancel()
	bus, err := dbus.ConnectSystemBus(dbus.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("the system's D-Bus cannot be reached, and with it nothing that keeps this computer awake: %w", err)
	}
	defer bus.Close() //nolint:errcheck // the lock is a file of its own
	var lock dbus.UnixFD
	err = bus.Object("org.freedesktop.login1", "/org/freedesktop/login1").
		CallWithContext(ctx, "org.freedesktop.login1.Manager.Inhibit", 0, "idle:sleep", who, why, "block").Store(&lock)
	if err != nil {
		return nil, fmt.Errorf("logind does not keep this computer awake: %w", err)
	}
	return os.NewFile(uintptr(lock), "inhibit").Close, nil //nolint:gosec // a file's number
}

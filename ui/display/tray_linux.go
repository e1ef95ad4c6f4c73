package display

import (
	"context"

	"github.com/godbus/dbus/v5"
)

// Tray reports whether something shows tray icons now. Panels come and go,
// so it is asked again at each close of the window.
func Tray(ctx context.Context) bool {
	const watcher = "org.kde.StatusNotifierWatcher"
	// A connection of its own: the shared one may be blocked by a prompt.
	c, err := dbus.ConnectSessionBus(dbus.WithContext(ctx))
	if err != nil {
		return false
	}
	defer c.Close() //nolint:errcheck // it only asked
	var owned bool
	if err := c.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, watcher).Store(&owned); err != nil || !owned {
		return false
	}
	var registered dbus.Variant
	err = c.Object(watcher, "/StatusNotifierWatcher").
		CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0, watcher, "IsStatusNotifierHostRegistered").Store(&registered)
	if err != nil {
		return ctx.Err() == nil // a watcher without the property, but one that answers
	}
	yes, _ := registered.Value().(bool)
	return yes
}

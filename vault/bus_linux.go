package vault

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// The Secret Service API, https://specifications.freedesktop.org/secret-service/.
const (
	secretService   = "org.freedesktop.secrets"
	secretPath      = dbus.ObjectPath("/org/freedesktop/secrets")
	loginCollection = secretPath + "/collection/login"
	serviceIface    = "org.freedesktop.Secret.Service"
	collectionIface = "org.freedesktop.Secret.Collection"
	itemIface       = "org.freedesktop.Secret.Item"
	promptIface     = "org.freedesktop.Secret.Prompt"
	getProperty     = "org.freedesktop.DBus.Properties.Get"

	// nowhere is how the API writes "no object".
	nowhere = dbus.ObjectPath("/")
)

// bus is a connection of our own, for one operation.
type bus struct {
	conn *dbus.Conn
	wire net.Conn
	stop func() bool
}

// dial connects to the session bus, within answerTime. When ctx ends, all that
// waits on the connection fails, after a moment of grace to take a prompt away in.
func dial(ctx context.Context, grace time.Duration) (*bus, error) {
	path, err := busSocket()
	if err != nil {
		return nil, &Error{State: NoBus, Err: err}
	}
	soon, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	wire, err := (&net.Dialer{}).DialContext(soon, "unix", path)
	if err != nil {
		return nil, &Error{State: NoBus, Err: err}
	}
	// A deadline, not Close: godbus's Close waits for a write that is under way.
	stop := context.AfterFunc(soon, func() { _ = wire.SetDeadline(time.Now()) })
	conn, err := dbus.ConnectUnix(wire.(*net.UnixConn))
	if !stop() || err != nil {
		_ = wire.Close()
		if soon.Err() != nil {
			return nil, &Error{State: Unanswering, Err: soon.Err()}
		}
		return nil, &Error{State: NoBus, Err: err}
	}
	return &bus{conn, wire, context.AfterFunc(ctx, func() { _ = wire.SetDeadline(time.Now().Add(grace)) })}, nil
}

func (b *bus) close() {
	b.stop()
	_ = b.wire.SetDeadline(time.Now())
	_ = b.conn.Close()
}

// busSocket finds the session bus where the D-Bus specification has it. Unlike
// godbus it starts none with dbus-launch: nobody's keychain would be on it.
func busSocket() (string, error) {
	if list := os.Getenv("DBUS_SESSION_BUS_ADDRESS"); list != "" {
		return socketOf(list)
	}
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		dir = filepath.Join("/run/user", strconv.Itoa(os.Getuid()))
	}
	path := filepath.Join(dir, "bus")
	_, err := os.Stat(path)
	return path, err
}

// socketOf takes the first unix socket out of a list of D-Bus addresses, such as
// unix:path=/run/user/1000/bus,guid=…;unix:abstract=/tmp/dbus-x. An abstract one
// begins with @, as Go's net writes it.
func socketOf(list string) (string, error) {
	for _, address := range strings.Split(list, ";") {
		keys, ok := strings.CutPrefix(address, "unix:")
		if !ok {
			continue
		}
		for _, pair := range strings.Split(keys, ",") {
			key, value, _ := strings.Cut(pair, "=")
			value, err := url.PathUnescape(value)
			if err != nil || value == "" || strings.ContainsRune(value, 0) {
				continue
			}
			switch key {
			case "path":
				return value, nil
			case "abstract":
				return "@" + value, nil
			}
		}
	}
	return "", errors.New("DBUS_SESSION_BUS_ADDRESS names no unix socket")
}

// call calls a method of the Secret Service and stores what it returns.
// gnome-keyring answers now and then that it does not know a method, and has done
// nothing: it has not noticed yet that we are here, for others are just leaving.
func (b *bus) call(ctx context.Context, path dbus.ObjectPath, method string, args []any, results ...any) error {
	const unknown, tries = "org.freedesktop.DBus.Error.UnknownMethod", 4
	for try := 1; ; try++ {
		err := b.conn.Object(secretService, path).CallWithContext(ctx, method, 0, args...).Store(results...)
		var e dbus.Error
		if try == tries || ctx.Err() != nil || !errors.As(err, &e) || e.Name != unknown {
			return explain(ctx, err)
		}
		time.Sleep(time.Duration(try) * 10 * time.Millisecond)
	}
}

// property reads one property of an object of the Secret Service.
func property[T any](ctx context.Context, b *bus, path dbus.ObjectPath, iface, name string) (T, error) {
	var v dbus.Variant
	var zero T
	if err := b.call(ctx, path, getProperty, []any{iface, name}, &v); err != nil {
		return zero, err
	}
	t, ok := v.Value().(T)
	if !ok {
		return zero, fmt.Errorf("%s.%s is of type %s", iface, name, v.Signature())
	}
	return t, nil
}

// explain turns a D-Bus error into a state.
func explain(ctx context.Context, err error) error {
	var e dbus.Error
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return &Error{State: Unanswering, Err: ctx.Err()}
	case !errors.As(err, &e):
		return &Error{State: Unanswering, Err: err}
	}
	switch name := strings.TrimPrefix(e.Name, "org.freedesktop.DBus.Error."); {
	case name == "ServiceUnknown", name == "NameHasNoOwner", strings.HasPrefix(name, "Spawn."):
		return &Error{State: NoService, Err: err}
	case name == "NoReply", name == "Timeout", name == "TimedOut", name == "Disconnected":
		return &Error{State: Unanswering, Err: err}
	case name == "org.freedesktop.Secret.Error.IsLocked":
		return &Error{State: Locked, Err: err}
	}
	return &Error{State: Unanswering, Err: err}
}

package desktest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/godbus/dbus/v5"
)

// Keyring is the state in which a desktop's keyring comes up.
type Keyring int

// The states of a keyring.
const (
	Unlocked Keyring = iota // a login keyring, open
	Locked                  // a login keyring, locked; Password opens it
	NoLogin                 // a fresh account: the service starts at need and has no keyring yet
	None                    // no Secret Service, and none that the bus could start
	NoBus                   // no session bus at all
	Hung                    // a Secret Service that answers nothing, ever
)

const (
	secretService = "org.freedesktop.secrets"
	secretPath    = dbus.ObjectPath("/org/freedesktop/secrets")
	activation    = "/usr/share/dbus-1/services"
)

const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><keep_umask/><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<servicedir>%s</servicedir>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
<limit name="max_message_size">1000000000</limit></busconfig>
`

func (d *Desk) startBus(k Keyring) {
	d.t.Helper()
	services := activation
	if k == None || k == Hung {
		services = d.withoutKeyrings()
	}
	socket := filepath.Join(d.Dir, "run", "bus")
	config := filepath.Join(d.Dir, "bus.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, busConfig, socket, services), 0o600); err != nil {
		d.t.Fatal(err)
	}
	d.address = "unix:path=" + socket
	d.Env = append(d.Env, "DBUS_SESSION_BUS_ADDRESS="+d.address)
	d.run(nil, "dbus-daemon", "--nofork", "--config-file="+config)
	d.eventually("a session bus", func() bool {
		conn, err := dbus.Connect(d.address)
		d.bus = conn
		return err == nil
	})
}

// withoutKeyrings copies what the bus may start, less what keeps secrets.
func (d *Desk) withoutKeyrings() string {
	dir := filepath.Join(d.Dir, "services")
	if err := os.Mkdir(dir, 0o700); err != nil {
		d.t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(activation, "*.service"))
	if err != nil {
		d.t.Fatal(err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		if lower := strings.ToLower(name); strings.Contains(lower, "secret") || strings.Contains(lower, "keyring") || strings.Contains(lower, "kwallet") {
			continue
		}
		text, err := os.ReadFile(file) //nolint:gosec // found right above
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600) //nolint:gosec // into our own directory
		}
		if err != nil {
			d.t.Fatal(err)
		}
	}
	return dir
}

func (d *Desk) startKeyring(k Keyring) {
	d.t.Helper()
	switch k {
	case Unlocked, Locked:
		// It reads the password up to the end of its input, and makes or opens the
		// login keyring with it.
		d.run(strings.NewReader(Password), "gnome-keyring-daemon", "--unlock", "--components=secrets", "--foreground")
		d.eventually("an unlocked keyring", func() bool { return d.keyringLocked() == "false" })
	case Hung:
		// A connection whose messages go nowhere: each caller waits for ever.
		d.bus.Eavesdrop(make(chan *dbus.Message))
		d.hang()
	}
	if k == Locked {
		// The keyring's file is written with the first item only.
		d.Store("seed", "seed", "seed")
		d.Lock()
	}
}

// hang takes the Secret Service's name. The request is sent without a reply, for
// this connection hears none any more; another one then waits for the name.
func (d *Desk) hang() {
	d.t.Helper()
	d.bus.BusObject().Go("org.freedesktop.DBus.RequestName", dbus.FlagNoReplyExpected, nil, secretService, uint32(4))
	ask, err := dbus.Connect(d.address)
	if err != nil {
		d.t.Fatal(err)
	}
	defer ask.Close() //nolint:errcheck // it only asked
	d.eventually("a hung Secret Service", func() bool { return owned(ask, secretService) })
}

// keyringLocked is "true" or "false", or "" while there is no default collection.
func (d *Desk) keyringLocked() string {
	if !owned(d.bus, secretService) {
		return ""
	}
	var path dbus.ObjectPath
	err := d.bus.Object(secretService, secretPath).Call("org.freedesktop.Secret.Service.ReadAlias", 0, "default").Store(&path)
	if err != nil || path == "/" {
		return ""
	}
	locked, err := d.bus.Object(secretService, path).GetProperty("org.freedesktop.Secret.Collection.Locked")
	if err != nil {
		return ""
	}
	return fmt.Sprint(locked.Value())
}

// Lock locks the keyring, as an idle session does.
func (d *Desk) Lock() {
	d.t.Helper()
	var locked []dbus.ObjectPath
	var prompt dbus.ObjectPath
	all := []dbus.ObjectPath{secretPath + "/collection/login"}
	if err := d.bus.Object(secretService, secretPath).Call("org.freedesktop.Secret.Service.Lock", 0, all).Store(&locked, &prompt); err != nil {
		d.t.Fatal(err)
	}
	d.eventually("a locked keyring", func() bool { return d.keyringLocked() == "true" })
}

// Secret reads a secret as a foreign program does, with secret-tool; "" when there
// is none.
func (d *Desk) Secret(service, user string) string {
	d.t.Helper()
	out, err := d.output("secret-tool", "lookup", "service", service, "username", user)
	if err != nil && out == "" {
		return ""
	}
	return out
}

// Store writes a secret as a foreign program does, with secret-tool.
func (d *Desk) Store(service, user, value string) {
	d.t.Helper()
	cmd := d.Command("secret-tool", "store", "--label="+user, "service", service, "username", user)
	cmd.Stdin = strings.NewReader(value)
	if out, err := cmd.CombinedOutput(); err != nil {
		d.t.Fatalf("secret-tool store: %v: %s", err, out)
	}
}

func owned(conn *dbus.Conn, name string) bool {
	var is bool
	return conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, name).Store(&is) == nil && is
}

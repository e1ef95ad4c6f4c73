package desktest

import (
	"encoding/binary"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// Mapped waits until a window of that title is on the screen, and knows within some
// milliseconds: Window asks by a program, which takes longer to start.
func (d *Desk) Mapped(title string) {
	d.t.Helper()
	conn, err := d.dial()
	if err != nil {
		d.t.Fatal(err)
	}
	defer conn.Close()
	const name = "_NET_CLIENT_LIST"
	list, err := xproto.InternAtom(conn, false, uint16(len(name)), name).Reply()
	if err != nil {
		d.t.Fatal(err)
	}
	root := xproto.Setup(conn).DefaultScreen(conn).Root
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		reply, err := xproto.GetProperty(conn, false, root, list.Atom, xproto.AtomWindow, 0, 1024).Reply()
		if err != nil {
			d.t.Fatal(err)
		}
		for ids := reply.Value; len(ids) >= 4; ids = ids[4:] {
			if id := xproto.Window(binary.LittleEndian.Uint32(ids)); viewable(conn, id, title) {
				return
			}
		}
	}
	d.t.Fatalf("no window %q within %v", title, patience)
}

// viewable reports whether a window has that title and is on the screen; one that went
// away meanwhile is not.
func viewable(conn *xgb.Conn, id xproto.Window, title string) bool {
	name, err := xproto.GetProperty(conn, false, id, xproto.AtomWmName, xproto.GetPropertyTypeAny, 0, 64).Reply()
	if err != nil || string(name.Value) != title {
		return false
	}
	a, err := xproto.GetWindowAttributes(conn, id).Reply()
	return err == nil && a.MapState == xproto.MapStateViewable
}

package desktest

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// Drop drops files on a window, as a file manager does by XDND,
// https://freedesktop.org/wiki/Specifications/XDND.
func (d *Desk) Drop(window string, paths ...string) {
	d.t.Helper()
	id, err := strconv.ParseUint(window, 10, 32)
	if err != nil {
		d.t.Fatal(err)
	}
	var list strings.Builder
	for _, p := range paths {
		list.WriteString((&url.URL{Scheme: "file", Path: p}).String() + "\r\n")
	}
	s, err := d.newDragSource(xproto.Window(id), list.String())
	if err != nil {
		d.t.Fatal(err)
	}
	defer s.conn.Close()
	if err := s.drag(); err != nil {
		d.t.Fatalf("the drop: %v", err)
	}
}

// dial connects to the screen.
func (d *Desk) dial() (*xgb.Conn, error) {
	display := ""
	for _, pair := range d.Env {
		if name, value, _ := strings.Cut(pair, "="); name == "DISPLAY" {
			display = value
		}
	}
	return xgb.NewConnDisplay(display)
}

// dragSource is a window from which something is dragged.
type dragSource struct {
	conn           *xgb.Conn
	window, target xproto.Window
	offer          string
	atoms          map[string]xproto.Atom
}

func (d *Desk) newDragSource(target xproto.Window, offer string) (*dragSource, error) {
	conn, err := d.dial()
	if err != nil {
		return nil, err
	}
	s := &dragSource{conn: conn, target: target, offer: offer, atoms: map[string]xproto.Atom{}}
	for _, name := range []string{"XdndEnter", "XdndPosition", "XdndStatus", "XdndDrop", "XdndFinished", "XdndSelection", "XdndActionCopy", "text/uri-list"} {
		reply, err := xproto.InternAtom(conn, false, uint16(len(name)), name).Reply() //nolint:gosec // names of ours
		if err != nil {
			return nil, err
		}
		s.atoms[name] = reply.Atom
	}
	if s.window, err = xproto.NewWindowId(conn); err != nil {
		return nil, err
	}
	screen := xproto.Setup(conn).DefaultScreen(conn)
	err = xproto.CreateWindowChecked(conn, screen.RootDepth, s.window, screen.Root, 0, 0, 1, 1, 0, xproto.WindowClassInputOutput, screen.RootVisual, 0, nil).Check()
	return s, errors.Join(err, xproto.SetSelectionOwnerChecked(conn, s.window, s.atoms["XdndSelection"], xproto.TimeCurrentTime).Check())
}

// drag enters the target, moves on it and drops there what is offered.
func (s *dragSource) drag() error {
	at, err := xproto.TranslateCoordinates(s.conn, s.target, xproto.Setup(s.conn).DefaultScreen(s.conn).Root, 200, 200).Reply()
	if err != nil {
		return err
	}
	const version = 5
	s.send("XdndEnter", version<<24, uint32(s.atoms["text/uri-list"]), 0, 0)
	s.send("XdndPosition", 0, uint32(uint16(at.DstX))<<16|uint32(uint16(at.DstY)), xproto.TimeCurrentTime, uint32(s.atoms["XdndActionCopy"])) //nolint:gosec // two halves of a word
	status, err := s.await("XdndStatus")
	if err != nil {
		return err
	}
	if status[1]&1 == 0 {
		return errors.New("the window takes nothing")
	}
	s.send("XdndDrop", 0, xproto.TimeCurrentTime, 0, 0)
	_, err = s.await("XdndFinished")
	return err
}

func (s *dragSource) send(what string, data ...uint32) {
	ev := xproto.ClientMessageEvent{
		Format: 32, Window: s.target, Type: s.atoms[what],
		Data: xproto.ClientMessageDataUnionData32New(append([]uint32{uint32(s.window)}, data...)),
	}
	xproto.SendEvent(s.conn, false, s.target, xproto.EventMaskNoEvent, string(ev.Bytes()))
}

// await waits for a message, and gives what is offered to whoever asks meanwhile.
func (s *dragSource) await(what string) ([]uint32, error) {
	late := time.AfterFunc(patience, s.conn.Close)
	defer late.Stop()
	for {
		ev, err := s.conn.WaitForEvent()
		switch e := ev.(type) {
		case nil:
			if err == nil {
				return nil, fmt.Errorf("no %s within %v", what, patience)
			}
			return nil, err
		case xproto.ClientMessageEvent:
			if e.Type == s.atoms[what] {
				return e.Data.Data32, nil
			}
		case xproto.SelectionRequestEvent:
			xproto.ChangeProperty(s.conn, xproto.PropModeReplace, e.Requestor, e.Property, e.Target, 8, uint32(len(s.offer)), []byte(s.offer)) //nolint:gosec // some paths
			told := xproto.SelectionNotifyEvent{Time: e.Time, Requestor: e.Requestor, Selection: e.Selection, Target: e.Target, Property: e.Property}
			xproto.SendEvent(s.conn, false, e.Requestor, xproto.EventMaskNoEvent, string(told.Bytes()))
		}
	}
}

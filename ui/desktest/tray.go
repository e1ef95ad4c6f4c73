package desktest

import (
	"fmt"
	"image"
	"image/color"
	"strings"

	"github.com/godbus/dbus/v5"
)

const (
	notifierItem = "org.kde.StatusNotifierItem"
	dbusMenu     = "com.canonical.dbusmenu"
)

// Tray is a program's tray icon and menu, as a panel sees them over D-Bus. It
// needs no panel.
type Tray struct {
	d    *Desk
	conn *dbus.Conn
	name string // of the icon on the bus
	menu dbus.BusObject
}

// TrayItem is one line of a tray menu.
type TrayItem struct {
	ID       int32
	Path     string // labels from the top, joined by "/"; a separator's is "----"
	Label    string
	Enabled  bool
	Visible  bool
	Checkbox bool
	Checked  bool
	Icon     bool
}

// Tray waits for the tray icon of a process; pid 0 takes any.
func (d *Desk) Tray(pid int) *Tray {
	d.t.Helper()
	conn := d.connect()
	d.t.Cleanup(func() { _ = conn.Close() })
	t := &Tray{d: d, conn: conn}
	d.eventually("a tray icon", func() bool { return t.find(pid) })
	return t
}

// connect opens a connection of its own to the desktop's bus.
func (d *Desk) connect() *dbus.Conn {
	d.t.Helper()
	conn, err := dbus.Connect(d.address)
	if err != nil {
		d.t.Fatal(err)
	}
	return conn
}

func (t *Tray) find(pid int) bool {
	var names []string
	if err := t.conn.BusObject().Call("org.freedesktop.DBus.ListNames", 0).Store(&names); err != nil {
		return false
	}
	prefix := notifierItem + "-"
	if pid != 0 {
		prefix = fmt.Sprintf("%s-%d-", notifierItem, pid)
	}
	for _, name := range names {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		// The name is taken before the object behind it is complete.
		path, err := t.conn.Object(name, "/StatusNotifierItem").GetProperty(notifierItem + ".Menu")
		if err != nil {
			continue
		}
		menu, ok := path.Value().(dbus.ObjectPath)
		if !ok {
			continue
		}
		t.name, t.menu = name, t.conn.Object(name, menu)
		return true
	}
	return false
}

// Props are the icon's properties, such as Title, Status and ToolTip, by name.
func (t *Tray) Props() map[string]any {
	t.d.t.Helper()
	var props map[string]dbus.Variant
	if err := t.item().Call("org.freedesktop.DBus.Properties.GetAll", 0, notifierItem).Store(&props); err != nil {
		t.d.t.Fatal(err)
	}
	out := make(map[string]any, len(props))
	for name, v := range props {
		out[name] = v.Value()
	}
	return out
}

// Icon is the picture that the tray shows.
func (t *Tray) Icon() *image.NRGBA {
	t.d.t.Helper()
	v, err := t.item().GetProperty(notifierItem + ".IconPixmap")
	if err != nil {
		t.d.t.Fatal(err)
	}
	var maps []struct {
		Width, Height int32
		ARGB          []byte
	}
	if err := dbus.Store([]any{v.Value()}, &maps); err != nil || len(maps) == 0 {
		t.d.t.Fatalf("the tray icon has no picture: %v", err)
	}
	width := int(maps[0].Width)
	m := image.NewNRGBA(image.Rect(0, 0, width, int(maps[0].Height)))
	for i, b := 0, maps[0].ARGB; i+3 < len(b); i += 4 {
		m.SetNRGBA(i/4%width, i/4/width, color.NRGBA{R: b[i+1], G: b[i+2], B: b[i+3], A: b[i]})
	}
	return m
}

// Activate is a left click on the icon.
func (t *Tray) Activate() {
	t.d.t.Helper()
	if err := t.item().Call(notifierItem+".Activate", 0, int32(0), int32(0)).Err; err != nil {
		t.d.t.Fatal(err)
	}
}

// List is the menu, depth first.
func (t *Tray) List() []TrayItem {
	t.d.t.Helper()
	items, err := t.layout()
	if err != nil {
		t.d.t.Fatal(err)
	}
	return items
}

// Get waits for a menu item; the test fails when it does not come.
func (t *Tray) Get(path string) TrayItem {
	t.d.t.Helper()
	return t.Wait(path, func(TrayItem) bool { return true })
}

// Wait waits for a menu item of which ok holds.
func (t *Tray) Wait(path string, ok func(TrayItem) bool) TrayItem {
	t.d.t.Helper()
	var found TrayItem
	if !poll(patience, func() bool {
		items, err := t.layout()
		if err != nil {
			return false
		}
		for _, found = range items {
			if found.Path == path && ok(found) {
				return true
			}
		}
		return false
	}) {
		t.d.t.Fatalf("no such menu item %q within %v; the menu is:\n%s", path, patience, t)
	}
	return found
}

// Click waits until a menu item can be clicked and clicks it.
func (t *Tray) Click(path string) {
	t.d.t.Helper()
	item := t.Wait(path, func(i TrayItem) bool { return i.Enabled && i.Visible })
	if err := t.menu.Call(dbusMenu+".Event", 0, item.ID, "clicked", dbus.MakeVariant(int32(0)), uint32(0)).Err; err != nil {
		t.d.t.Fatal(err)
	}
}

// String lists the menu for people.
func (t *Tray) String() string {
	items, err := t.layout()
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, i := range items {
		fmt.Fprintf(&b, "%s\tid=%d enabled=%v visible=%v checkbox=%v checked=%v icon=%v\n", i.Path, i.ID, i.Enabled, i.Visible, i.Checkbox, i.Checked, i.Icon)
	}
	return b.String()
}

func (t *Tray) item() dbus.BusObject { return t.conn.Object(t.name, "/StatusNotifierItem") }

// menuNode is (ia{sv}av) of the dbusmenu interface.
type menuNode struct {
	ID       int32
	Props    map[string]dbus.Variant
	Children []dbus.Variant
}

// layout asks twice: fyne.io/systray cuts its first answer after a rebuild of the
// menu to the first level.
func (t *Tray) layout() ([]TrayItem, error) {
	var root menuNode
	var revision uint32
	for range 2 {
		if err := t.menu.Call(dbusMenu+".GetLayout", 0, int32(0), int32(-1), []string{}).Store(&revision, &root); err != nil {
			return nil, err
		}
	}
	return root.items("")
}

func (n menuNode) items(parent string) ([]TrayItem, error) {
	var out []TrayItem
	for _, child := range n.Children {
		var c menuNode
		if err := dbus.Store([]any{child.Value()}, &c); err != nil {
			return nil, err
		}
		item := c.item(parent)
		below, err := c.items(item.Path + "/")
		if err != nil {
			return nil, err
		}
		out = append(append(out, item), below...)
	}
	return out, nil
}

func (n menuNode) item(parent string) TrayItem {
	i := TrayItem{ID: n.ID, Enabled: true, Visible: true}
	i.Label, _ = n.Props["label"].Value().(string)
	if v, ok := n.Props["enabled"].Value().(bool); ok {
		i.Enabled = v
	}
	if v, ok := n.Props["visible"].Value().(bool); ok {
		i.Visible = v
	}
	kind, _ := n.Props["toggle-type"].Value().(string)
	state, _ := n.Props["toggle-state"].Value().(int32)
	i.Checkbox, i.Checked = kind != "", state == 1
	_, i.Icon = n.Props["icon-data"]
	i.Path = parent + i.Label
	if n.Props["type"].Value() == "separator" {
		i.Path = parent + "----"
	}
	return i
}

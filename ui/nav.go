package ui

import (
	"fmt"
	"image/color"
	"strconv"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"lockbox/assets"
)

const navWidth = 192

// nav is the bar at the left with the pages.
type nav struct {
	root  fyne.CanvasObject
	items []*navItem
}

func newNav(items ...*navItem) *nav {
	n := &nav{items: items}
	logo := canvas.NewImageFromResource(fyne.NewStaticResource("lockbox.png", assets.IconPNG))
	logo.FillMode = canvas.ImageFillContain
	logo.ScaleMode = canvas.ImageScaleSmooth
	brand := container.NewBorder(nil, nil, container.NewGridWrap(fyne.NewSquareSize(30), logo), nil, inset(0, 0, gap-2, 0, middle(heading(Name))))
	list := column(3)
	for i, x := range items {
		x.number = ctrl(fyne.KeyName(strconv.Itoa(i + 1)))
		list.Add(x)
	}
	n.root = newSurface(colorNav, "", 0, 0, wide(navWidth, inset(gap+4, gap, gap-2, gap-2,
		container.NewVBox(inset(0, gap, gapSmall, 0, brand), list, layout.NewSpacer()))))
	return n
}

// show marks the page that is shown.
func (n *nav) show(item int) {
	for i, x := range n.items {
		if x.current != (i == item) {
			x.current = i == item
			x.Refresh()
		}
	}
}

// count shows at an item how many things wait there; 0 is nothing.
func (n *nav) count(item, things int) {
	if x := n.items[item]; x.things != things {
		x.things = things
		x.Refresh()
	}
}

// navItem leads to a page. It takes no focus: Ctrl and its number do the same.
type navItem struct {
	widget.BaseWidget
	label   string
	number  shortcut // of the page
	icon    fyne.Resource
	tapped  func()
	things  int // that wait on the page
	current bool
	hovered bool
}

func newNavItem(label string, icon fyne.Resource, tapped func()) *navItem {
	n := &navItem{label: label, icon: icon, tapped: tapped}
	n.ExtendBaseWidget(n)
	return n
}

// Tapped implements fyne.Tappable.
func (n *navItem) Tapped(*fyne.PointEvent) { n.tapped() }

// MouseIn implements desktop.Hoverable.
func (n *navItem) MouseIn(*desktop.MouseEvent) { n.hovered = true; n.Refresh() }

// MouseMoved implements desktop.Hoverable.
func (n *navItem) MouseMoved(*desktop.MouseEvent) {}

// MouseOut implements desktop.Hoverable.
func (n *navItem) MouseOut() { n.hovered = false; n.Refresh() }

// CreateRenderer implements fyne.Widget.
func (n *navItem) CreateRenderer() fyne.WidgetRenderer {
	r := &navRenderer{
		item: n, ground: canvas.NewRectangle(color.Transparent), bar: canvas.NewRectangle(color.Transparent),
		icon: widget.NewIcon(n.icon), label: plain(n.label), key: caption(""),
	}
	r.ground.CornerRadius, r.bar.CornerRadius = radiusSmall, 1.5
	r.Refresh()
	return r
}

type navRenderer struct {
	item        *navItem
	ground, bar *canvas.Rectangle
	icon        *widget.Icon
	label, key  *line
}

const navHeight = 36

func (r *navRenderer) Layout(s fyne.Size) {
	r.ground.Resize(s)
	r.bar.Move(fyne.NewPos(0, 9))
	r.bar.Resize(fyne.NewSize(3, s.Height-18))
	r.icon.Resize(fyne.NewSquareSize(18))
	r.icon.Move(fyne.NewPos(gap, (s.Height-18)/2))
	k := r.key.MinSize()
	r.key.Resize(k)
	r.key.Move(fyne.NewPos(s.Width-k.Width-gapSmall-2, (s.Height-k.Height)/2))
	l := r.label.MinSize()
	r.label.Resize(fyne.NewSize(s.Width-k.Width-gap-18-gap-gapSmall, l.Height))
	r.label.Move(fyne.NewPos(gap+18+gap-2, (s.Height-l.Height)/2))
}

func (*navRenderer) MinSize() fyne.Size { return fyne.NewSize(120, navHeight) }

func (r *navRenderer) Refresh() {
	r.ground.FillColor, r.bar.FillColor = color.Transparent, color.Transparent
	r.label.style.Bold = r.item.current || r.item.things > 0
	r.label.text, r.key.text = r.item.label, r.item.number.String()
	if r.item.things > 0 { // in the key's place
		r.label.text, r.key.text = fmt.Sprintf("%s (%d)", r.item.label, r.item.things), ""
	}
	r.Layout(r.item.Size())
	switch {
	case r.item.current:
		r.ground.FillColor = theme.Color(theme.ColorNameSelection)
		r.bar.FillColor = theme.Color(theme.ColorNamePrimary)
	case r.item.hovered:
		r.ground.FillColor = theme.Color(theme.ColorNameHover)
	}
	r.icon.SetResource(theme.NewThemedResource(r.item.icon))
	if r.item.current {
		r.icon.SetResource(theme.NewPrimaryThemedResource(r.item.icon))
	}
	r.ground.Refresh()
	r.bar.Refresh()
	r.label.Refresh()
	r.key.Refresh()
}

func (r *navRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.ground, r.bar, r.icon, r.label, r.key}
}
func (*navRenderer) Destroy() {}

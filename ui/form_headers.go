package ui

import (
	"fmt"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

// headerRows are the headers of a headers credential.
type headerRows struct {
	form *serviceForm
	root *fyne.Container
	box  *fyne.Container
	add  *button
	rows []*headerRow
}

type headerRow struct {
	name   *entry
	key    *keyField
	remove *button
	field  *field // says what is wrong with either
	root   fyne.CanvasObject

	nameTouched, valueTouched bool
}

func newHeaderRows(form *serviceForm) *headerRows {
	h := &headerRows{form: form, box: column(gapSmall)}
	h.add = newButton(form.keys, lang.L("Add a header"), theme.ContentAddIcon(), func() {
		r := h.append(backend.HeaderField{})
		h.form.changed("")
		h.form.focus(r.name)
	})
	h.root = column(gapSmall, h.box, container.NewHBox(container.NewHBox(blankWidth(labelWidth-4), h.add)))
	return h
}

// blankWidth is nothing of a width.
func blankWidth(width float32) fyne.CanvasObject { return wide(width, container.NewWithoutLayout()) }

// set shows these headers, or one empty row.
func (h *headerRows) set(service string, headers []backend.HeaderField) {
	h.box.RemoveAll()
	h.rows = nil
	for _, x := range headers {
		h.append(x)
	}
	if len(headers) == 0 {
		h.append(backend.HeaderField{})
	}
}

func (h *headerRows) append(x backend.HeaderField) *headerRow {
	r := &headerRow{name: newEntry(h.form.keys)}
	r.name.SetPlaceHolder("X-Api-Key")
	r.name.SetText(x.Name)
	r.key = h.form.newKey("headers/"+x.Name, x.Value)
	if !x.Value.Stored {
		r.key.entry.SetPlaceHolder(lang.L("Value"))
	}
	r.remove = newButton(h.form.keys, "", theme.ContentRemoveIcon(), func() { h.drop(r) }).quiet()
	two := container.New(headerLayout{}, r.name, r.key.entry, r.remove)
	r.field = newField(fmt.Sprintf(lang.L("Header %d"), len(h.rows)+1), "", two)
	r.root = r.field.root
	h.rows = append(h.rows, r)
	h.form.watch(r.name, func() { r.nameTouched = true }, r.field.root)
	h.form.watch(r.key.entry, func() { r.valueTouched = true }, r.field.root)
	h.box.Add(r.root)
	return r
}

func (h *headerRows) drop(r *headerRow) {
	for i, x := range h.rows {
		if x == r {
			h.rows = append(h.rows[:i], h.rows[i+1:]...)
			h.box.Remove(r.root)
			r.key.forget()
			break
		}
	}
	if len(h.rows) == 0 {
		h.append(backend.HeaderField{})
	}
	h.form.changed("")
	h.form.focus(h.rows[0].name)
}

// value are the rows that have something in them.
func (h *headerRows) value() []backend.HeaderField {
	var out []backend.HeaderField
	for _, r := range h.rows {
		out = append(out, backend.HeaderField{Name: r.name.Text, Value: r.key.value()})
	}
	return out
}

// say shows what is wrong with the rows that were touched.
func (h *headerRows) say(bad backend.Fields, all bool) {
	for i, r := range h.rows {
		why := ""
		if all || r.valueTouched {
			if w := bad[fmt.Sprintf("headers/%d/value", i)]; w != "" {
				why = fmt.Sprintf(lang.L("Value: %s"), w)
			}
		}
		if all || r.nameTouched {
			if w := bad[fmt.Sprintf("headers/%d/name", i)]; w != "" {
				why = fmt.Sprintf(lang.L("Name: %s"), w)
			}
		}
		r.field.say(markFailed, why)
	}
}

// headerLayout: a third for the name, the rest for the value, then the button.
type headerLayout struct{}

func (headerLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(200, max(o[0].MinSize().Height, o[2].MinSize().Height))
}

func (headerLayout) Layout(o []fyne.CanvasObject, s fyne.Size) {
	end := o[2].MinSize().Width
	name := (s.Width - end - 2*gapSmall) * 0.4
	value := s.Width - end - 2*gapSmall - name
	o[0].Move(fyne.NewPos(0, 0))
	o[0].Resize(fyne.NewSize(name, s.Height))
	o[1].Move(fyne.NewPos(name+gapSmall, 0))
	o[1].Resize(fyne.NewSize(value, s.Height))
	o[2].Move(fyne.NewPos(s.Width-end, 0))
	o[2].Resize(fyne.NewSize(end, s.Height))
}

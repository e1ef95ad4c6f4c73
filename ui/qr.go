package ui

import (
	"image"
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"rsc.io/qr"
)

// quiet is the blank margin that readers of QR codes want, in modules: ISO/IEC
// 18004, section 9.1.
const quiet = 4

// qrCode is an address that a telephone's camera can read, black on white in both
// themes.
type qrCode struct {
	root  *fyne.Container
	image *canvas.Image
	text  string
}

func newQRCode(size float32) *qrCode {
	q := &qrCode{image: canvas.NewImageFromImage(image.NewGray(image.Rect(0, 0, 1, 1)))}
	q.image.ScaleMode, q.image.FillMode = canvas.ImageScalePixels, canvas.ImageFillContain
	q.root = container.NewGridWrap(fyne.NewSquareSize(size), q.image)
	q.root.Hide()
	return q
}

// set shows a text; "" shows nothing.
func (q *qrCode) set(text string) {
	if q.text == text {
		return
	}
	q.text = text
	picture := qrPicture(text)
	q.root.Hidden = picture == nil
	if picture != nil {
		q.image.Image = picture
		q.image.Refresh()
	}
	q.root.Refresh()
}

// qrPicture has one pixel a module; nil for no text, or one that does not fit.
func qrPicture(text string) image.Image {
	if text == "" {
		return nil
	}
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil
	}
	size := code.Size + 2*quiet
	picture := image.NewGray(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			shade := color.Gray{Y: 255}
			if code.Black(x-quiet, y-quiet) {
				shade.Y = 0
			}
			picture.SetGray(x, y, shade)
		}
	}
	return picture
}

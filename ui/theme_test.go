package ui

import (
	"fmt"
	"image/color"
	"math"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// luminance and contrast are those of WCAG 2.2.
func luminance(c color.NRGBA) float64 {
	part := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*part(c.R) + 0.7152*part(c.G) + 0.0722*part(c.B)
}

func contrast(a, b color.NRGBA) float64 {
	x, y := luminance(a), luminance(b)
	return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
}

// over lays a translucent colour on an opaque one.
func over(top, bottom color.NRGBA) color.NRGBA {
	mix := func(t, b uint8) uint8 { return uint8((int(t)*int(top.A) + int(b)*(255-int(top.A))) / 255) }
	return color.NRGBA{mix(top.R, bottom.R), mix(top.G, bottom.G), mix(top.B, bottom.B), 255}
}

func TestContrast(t *testing.T) {
	grounds := []fyne.ThemeColorName{
		theme.ColorNameBackground, colorSurface, colorNav, theme.ColorNameMenuBackground,
		theme.ColorNameOverlayBackground, theme.ColorNameInputBackground,
	}
	pairs := [][2]fyne.ThemeColorName{
		{theme.ColorNameForegroundOnPrimary, theme.ColorNamePrimary},
		{theme.ColorNameForegroundOnError, theme.ColorNameError},
		{theme.ColorNameForegroundOnWarning, theme.ColorNameWarning},
		{theme.ColorNameForegroundOnSuccess, theme.ColorNameSuccess},
		{theme.ColorNameForeground, theme.ColorNameButton},
		{theme.ColorNameForeground, colorErrorSoft}, {theme.ColorNameError, colorErrorSoft},
		{theme.ColorNameForeground, colorWarningSoft}, {theme.ColorNameWarning, colorWarningSoft},
		{theme.ColorNameForeground, colorSuccessSoft}, {theme.ColorNameSuccess, colorSuccessSoft},
		{theme.ColorNameForeground, colorInfoSoft}, {colorInfo, colorInfoSoft},
	}
	for _, text := range []fyne.ThemeColorName{
		theme.ColorNameForeground, colorMuted, theme.ColorNamePrimary, theme.ColorNameHyperlink,
		theme.ColorNameError, theme.ColorNameWarning, theme.ColorNameSuccess, colorInfo,
	} {
		for _, ground := range grounds {
			pairs = append(pairs, [2]fyne.ThemeColorName{text, ground})
		}
	}
	for name, colors := range map[string]palette{"light": light, "dark": dark} {
		for _, p := range pairs {
			if c := contrast(colors[p[0]], colors[p[1]]); c < 4.5 {
				t.Errorf("%s: %s on %s has contrast %.2f, want 4.5", name, p[0], p[1], c)
			}
		}
		for _, text := range []fyne.ThemeColorName{theme.ColorNameForeground, colorMuted} {
			for _, veil := range []fyne.ThemeColorName{theme.ColorNameSelection, theme.ColorNameHover} {
				if c := contrast(colors[text], over(colors[veil], colors[colorSurface])); c < 4.5 {
					t.Errorf("%s: %s on a row with %s has contrast %.2f, want 4.5", name, text, veil, c)
				}
			}
		}
	}
	for _, b := range badges {
		if c := contrast(b, rgb(0xFFFFFF)); c < 4.5 {
			t.Errorf("the letter on badge %v has contrast %.2f, want 4.5", b, c)
		}
	}
}

func TestPalettesAreWhole(t *testing.T) {
	for n := range light {
		if _, ok := dark[n]; !ok {
			t.Errorf("dark has no %s", n)
		}
	}
	if len(light) != len(dark) {
		t.Errorf("%d colours in light, %d in dark", len(light), len(dark))
	}
	for _, v := range []fyne.ThemeVariant{theme.VariantLight, theme.VariantDark} {
		got := fmt.Sprint(look{}.Color(theme.ColorNamePrimary, v))
		if other := fmt.Sprint(look{fixed: true, variant: 1 - v}.Color(theme.ColorNamePrimary, v)); got == other {
			t.Errorf("a fixed variant shows %s, the system's", got)
		}
	}
}

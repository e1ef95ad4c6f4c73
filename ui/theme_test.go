package ui

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
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

// The parts that the palette's colours play. What is in none of them has no place
// in a palette.
var (
	// writing is what text is written in.
	writing = names{
		theme.ColorNameForeground, colorMuted, theme.ColorNamePrimary, theme.ColorNameHyperlink,
		theme.ColorNameError, theme.ColorNameWarning, theme.ColorNameSuccess, colorInfo,
	}
	// grounds may have any writing on them.
	grounds = names{
		theme.ColorNameBackground, colorSurface, colorNav, theme.ColorNameHeaderBackground, theme.ColorNameMenuBackground,
		theme.ColorNameOverlayBackground, theme.ColorNameInputBackground,
	}
	// veils are laid over a ground, or over a button.
	veils = names{theme.ColorNameSelection, theme.ColorNameHover, theme.ColorNamePressed, theme.ColorNameFocus}
	// own are grounds with writing of their own.
	own = map[fyne.ThemeColorName]names{
		theme.ColorNameButton:  {theme.ColorNameForeground},
		theme.ColorNamePrimary: {theme.ColorNameForegroundOnPrimary},
		theme.ColorNameError:   {theme.ColorNameForegroundOnError},
		theme.ColorNameWarning: {theme.ColorNameForegroundOnWarning},
		theme.ColorNameSuccess: {theme.ColorNameForegroundOnSuccess},
		colorErrorSoft:         {theme.ColorNameForeground, colorMuted, theme.ColorNameError},
		colorWarningSoft:       {theme.ColorNameForeground, colorMuted, theme.ColorNameWarning},
		colorSuccessSoft:       {theme.ColorNameForeground, colorMuted, theme.ColorNameSuccess},
		colorInfoSoft:          {theme.ColorNameForeground, colorMuted, colorInfo},
		colorFound:             {theme.ColorNameForeground},
		colorFoundNow:          {theme.ColorNameForeground},
	}
	// shapes are told from any ground: what is written, and rims and bars.
	shapes = append(slices.Clone(writing), theme.ColorNameInputBorder, theme.ColorNameScrollBar)
	// free need no contrast: what is off, and what only parts.
	free = names{theme.ColorNameDisabled, theme.ColorNameDisabledButton, theme.ColorNameSeparator, theme.ColorNameShadow}
)

type names []fyne.ThemeColorName

// TestContrast holds every writing against every ground it may stand on (WCAG 2.2,
// 1.4.3), and what has to be seen against what it lies on (1.4.11).
func TestContrast(t *testing.T) {
	for name, colors := range map[string]palette{"light": light, "dark": dark} {
		check := func(least float64, what, ground fyne.ThemeColorName, on color.NRGBA, with string) {
			if c := contrast(over(colors[what], on), on); c < least {
				t.Errorf("%s: %s on %s%s has contrast %.2f, want %v", name, what, ground, with, c, least)
			}
		}
		parts := map[fyne.ThemeColorName]bool{}
		for _, list := range []names{writing, grounds, veils, shapes, free} {
			for _, n := range list {
				parts[n] = true
			}
		}
		for _, g := range grounds {
			for _, text := range writing {
				check(4.5, text, g, colors[g], "")
				// One row is chosen and pointed at, too.
				for _, v := range []fyne.ThemeColorName{theme.ColorNameSelection, theme.ColorNameHover} {
					check(4.5, text, g, over(colors[v], colors[g]), " under "+string(v))
				}
			}
			for _, v := range veils { // a select field that has the keyboard
				check(4.5, theme.ColorNameForeground, g, over(colors[v], colors[g]), " under "+string(v))
			}
			for _, shape := range shapes {
				check(3, shape, g, colors[g], "")
			}
			if c := contrast(colors[theme.ColorNameDisabled], colors[g]); c < 2.5 {
				t.Errorf("%s: what is off on %s has contrast %.2f: it cannot be read at all", name, g, c)
			}
		}
		for g, texts := range own {
			parts[g] = true
			for _, text := range texts {
				parts[text] = true
				check(4.5, text, g, colors[g], "")
			}
		}
		for _, g := range []fyne.ThemeColorName{theme.ColorNameButton, theme.ColorNamePrimary, theme.ColorNameError, theme.ColorNameWarning, theme.ColorNameSuccess} {
			for _, v := range veils {
				check(4.5, own[g][0], g, over(colors[v], colors[g]), " under "+string(v))
			}
		}
		for n := range colors {
			if !parts[n] {
				t.Errorf("%s plays no part in this test: is it for writing, a ground, a shape?", n)
			}
		}
	}
}

// TestBadgeContrast: white is written on badges, in light and dark.
func TestBadgeContrast(t *testing.T) {
	all := map[string]color.NRGBA{"what stands in for a colour": hexColor("")}
	for i, b := range badges {
		all[fmt.Sprintf("badge %d", i)] = b
	}
	presets := backend.FindPresets("")
	for _, p := range presets {
		all[p.Name] = hexColor(p.Color)
	}
	if len(presets) < 20 {
		t.Errorf("only %d presets", len(presets))
	}
	for name, b := range all {
		if c := contrast(b, rgb(0xFFFFFF)); c < 4.5 {
			t.Errorf("%s: the letter has contrast %.2f, want 4.5", name, c)
		}
	}
}

// TestContrastIsMeasured holds the measure against pairs that others have measured.
func TestContrastIsMeasured(t *testing.T) {
	for _, c := range []struct {
		a, b uint32
		want float64
	}{{0x000000, 0xFFFFFF, 21}, {0xFFFFFF, 0xFFFFFF, 1}, {0x767676, 0xFFFFFF, 4.54}, {0x777777, 0xFFFFFF, 4.48}, {0xFF0000, 0xFFFFFF, 4.00}} {
		if got := contrast(rgb(c.a), rgb(c.b)); math.Abs(got-c.want) > 0.01 {
			t.Errorf("%06X on %06X has contrast %.3f, want %.2f", c.a, c.b, got, c.want)
		}
	}
	if got, want := over(rgba(0x000000, 0x80), rgb(0xFFFFFF)), rgb(0x7F7F7F); got != want {
		t.Errorf("half black over white is %v, want %v", got, want)
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

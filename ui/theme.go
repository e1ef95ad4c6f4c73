package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// Colours of ours beside Fyne's.
const (
	colorSurface fyne.ThemeColorName = "lockboxSurface" // cards and lists
	colorNav     fyne.ThemeColorName = "lockboxNav"     // the bar at the left and the status line
	colorInfo    fyne.ThemeColorName = "lockboxInfo"
	colorClear   fyne.ThemeColorName = "lockboxClear" // see-through
	colorMuted   fyne.ThemeColorName = theme.ColorNamePlaceHolder
)

// The grounds of what was found in a text, and of the one the person is at.
const (
	colorFound    fyne.ThemeColorName = "lockboxFound"
	colorFoundNow fyne.ThemeColorName = "lockboxFoundNow"
)

// The soft backgrounds of notices.
const (
	colorErrorSoft   fyne.ThemeColorName = "lockboxErrorSoft"
	colorWarningSoft fyne.ThemeColorName = "lockboxWarningSoft"
	colorSuccessSoft fyne.ThemeColorName = "lockboxSuccessSoft"
	colorInfoSoft    fyne.ThemeColorName = "lockboxInfoSoft"
)

// sizeTitle is the size of a page's title.
const sizeTitle = theme.SizeNameHeadingText

// look is Lockbox's theme: slate and teal, light or dark as the system is.
type look struct {
	fixed   bool // show variant, whatever the system's is
	variant fyne.ThemeVariant
}

var light = palette{
	theme.ColorNameBackground:          rgb(0xF5F7F9),
	colorSurface:                       rgb(0xFFFFFF),
	colorNav:                           rgb(0xEBEFF3),
	theme.ColorNameHeaderBackground:    rgb(0xEBEFF3),
	theme.ColorNameMenuBackground:      rgb(0xFFFFFF),
	theme.ColorNameOverlayBackground:   rgb(0xFFFFFF),
	theme.ColorNameInputBackground:     rgb(0xFFFFFF),
	theme.ColorNameInputBorder:         rgb(0x808A98),
	theme.ColorNameSeparator:           rgb(0xE1E6EC),
	theme.ColorNameForeground:          rgb(0x17202B),
	theme.ColorNamePlaceHolder:         rgb(0x525D6C),
	theme.ColorNameDisabled:            rgb(0x8390A0),
	theme.ColorNameButton:              rgb(0xE3E8EE),
	theme.ColorNameDisabledButton:      rgb(0xECEFF3),
	theme.ColorNamePrimary:             rgb(0x0A6864),
	theme.ColorNameForegroundOnPrimary: rgb(0xFFFFFF),
	theme.ColorNameHyperlink:           rgb(0x0A6561),
	theme.ColorNameFocus:               rgba(0x0A6864, 0x55),
	theme.ColorNameSelection:           rgba(0x0A6864, 0x22),
	theme.ColorNameHover:               rgba(0x17202B, 0x0F),
	theme.ColorNamePressed:             rgba(0x17202B, 0x26),
	theme.ColorNameScrollBar:           rgba(0x17202B, 0x80),
	theme.ColorNameShadow:              rgba(0x17202B, 0x20),
	theme.ColorNameError:               rgb(0xB3261E),
	theme.ColorNameForegroundOnError:   rgb(0xFFFFFF),
	theme.ColorNameWarning:             rgb(0x865000),
	theme.ColorNameForegroundOnWarning: rgb(0xFFFFFF),
	theme.ColorNameSuccess:             rgb(0x156A37),
	theme.ColorNameForegroundOnSuccess: rgb(0xFFFFFF),
	colorInfo:                          rgb(0x2B59A8),
	colorErrorSoft:                     rgb(0xFCEBEA),
	colorWarningSoft:                   rgb(0xFDF3E1),
	colorSuccessSoft:                   rgb(0xE6F5EB),
	colorInfoSoft:                      rgb(0xE8EFFB),
	colorFound:                         rgb(0xFBEBB8),
	colorFoundNow:                      rgb(0xF5C04A),
}

var dark = palette{
	theme.ColorNameBackground:          rgb(0x12161C),
	colorSurface:                       rgb(0x1A2028),
	colorNav:                           rgb(0x0D1116),
	theme.ColorNameHeaderBackground:    rgb(0x0D1116),
	theme.ColorNameMenuBackground:      rgb(0x222A34),
	theme.ColorNameOverlayBackground:   rgb(0x1E252E),
	theme.ColorNameInputBackground:     rgb(0x11161D),
	theme.ColorNameInputBorder:         rgb(0x6A7789),
	theme.ColorNameSeparator:           rgb(0x29323D),
	theme.ColorNameForeground:          rgb(0xE6EBF1),
	theme.ColorNamePlaceHolder:         rgb(0xA3AFBD),
	theme.ColorNameDisabled:            rgb(0x6B7786),
	theme.ColorNameButton:              rgb(0x2A333F),
	theme.ColorNameDisabledButton:      rgb(0x212932),
	theme.ColorNamePrimary:             rgb(0x3CC9BE),
	theme.ColorNameForegroundOnPrimary: rgb(0x04211F),
	theme.ColorNameHyperlink:           rgb(0x57D3C9),
	theme.ColorNameFocus:               rgba(0x3CC9BE, 0x66),
	theme.ColorNameSelection:           rgba(0x3CC9BE, 0x2A),
	theme.ColorNameHover:               rgba(0xE6EBF1, 0x12),
	theme.ColorNamePressed:             rgba(0xE6EBF1, 0x2A),
	theme.ColorNameScrollBar:           rgba(0xE6EBF1, 0x70),
	theme.ColorNameShadow:              rgba(0x000000, 0x66),
	theme.ColorNameError:               rgb(0xFF8A80),
	theme.ColorNameForegroundOnError:   rgb(0x3A0500),
	theme.ColorNameWarning:             rgb(0xF2B65A),
	theme.ColorNameForegroundOnWarning: rgb(0x2E1D00),
	theme.ColorNameSuccess:             rgb(0x5BD08A),
	theme.ColorNameForegroundOnSuccess: rgb(0x04210F),
	colorInfo:                          rgb(0x8AB4F8),
	colorErrorSoft:                     rgb(0x3A1F1E),
	colorWarningSoft:                   rgb(0x35290F),
	colorSuccessSoft:                   rgb(0x14301F),
	colorInfoSoft:                      rgb(0x1A2A45),
	colorFound:                         rgb(0x4A3B12),
	colorFoundNow:                      rgb(0x836013),
}

// badges are the backgrounds of the letter badges; white is written on them in
// both variants.
var badges = []color.NRGBA{
	rgb(0x0B7470), rgb(0x2B59A8), rgb(0x7A3E9D), rgb(0xA63A50),
	rgb(0x8A5300), rgb(0x3F6B1F), rgb(0x4A5568), rgb(0x9A3412),
}

// badgeGrey is that of what is no API that is known.
var badgeGrey = rgb(0x4A5568)

type palette map[fyne.ThemeColorName]color.NRGBA

func rgb(hex uint32) color.NRGBA { return rgba(hex, 0xFF) }

func rgba(hex uint32, alpha uint8) color.NRGBA {
	return color.NRGBA{R: uint8(hex >> 16 & 0xFF), G: uint8(hex >> 8 & 0xFF), B: uint8(hex & 0xFF), A: alpha}
}

// Color implements fyne.Theme.
func (l look) Color(n fyne.ThemeColorName, v fyne.ThemeVariant) color.Color {
	if l.fixed {
		v = l.variant
	}
	colors := dark
	if v == theme.VariantLight {
		colors = light
	}
	if n == colorClear {
		return color.Transparent
	}
	if c, ok := colors[n]; ok {
		return c
	}
	return theme.DefaultTheme().Color(n, v)
}

// Font implements fyne.Theme.
func (look) Font(s fyne.TextStyle) fyne.Resource { return theme.DefaultTheme().Font(s) }

// Icon implements fyne.Theme.
func (look) Icon(n fyne.ThemeIconName) fyne.Resource { return theme.DefaultTheme().Icon(n) }

// Size implements fyne.Theme.
func (look) Size(n fyne.ThemeSizeName) float32 {
	switch n {
	case theme.SizeNameText:
		return 13
	case theme.SizeNameCaptionText:
		return 11.5
	case theme.SizeNameHeadingText:
		return 21
	case theme.SizeNameSubHeadingText:
		return 15
	case theme.SizeNameInnerPadding:
		return 7
	case theme.SizeNameInlineIcon:
		return 18
	case theme.SizeNameInputRadius, theme.SizeNameSelectionRadius, theme.SizeNameButtonRadius:
		return radiusSmall
	case theme.SizeNameScrollBar:
		return 10
	}
	return theme.DefaultTheme().Size(n)
}

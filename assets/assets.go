// Package assets holds the pictures and data that are part of the program. The
// PNGs are drawn from the SVGs of the same names.
package assets

import "embed"

var (
	// Icon is the program's icon, as SVG.
	//
	//go:embed icon.svg
	Icon []byte
	// IconPNG is Icon, 512 pixels wide.
	//
	//go:embed icon.png
	IconPNG []byte
	// TrayRunning is the tray's icon while calls are forwarded, a PNG of 64
	// pixels like the others. They differ in shape, not in colour alone.
	//
	//go:embed tray_running.png
	TrayRunning []byte
	// TrayPaused is the tray's icon while the person has the proxy paused.
	//
	//go:embed tray_paused.png
	TrayPaused []byte
	// TrayExposed is the tray's icon while the tunnel is open.
	//
	//go:embed tray_exposed.png
	TrayExposed []byte
	// TrayLost is the tray's icon while the tunnel should be open and is not.
	//
	//go:embed tray_lost.png
	TrayLost []byte
	// TrayAttention is the tray's icon while something needs the person.
	//
	//go:embed tray_attention.png
	TrayAttention []byte
	// TrayLocked is the tray's icon while keys wait to be unlocked.
	//
	//go:embed tray_locked.png
	TrayLocked []byte
	// TrayError is the tray's icon while no call is served.
	//
	//go:embed tray_error.png
	TrayError []byte
	// Presets are well-known APIs, as package preset reads them.
	//
	//go:embed presets.json
	Presets []byte
	// Languages are the texts of the window in other languages than English, as
	// Fyne's lang reads them: lang/de.json and so on.
	//
	//go:embed lang/*.json
	Languages embed.FS
)

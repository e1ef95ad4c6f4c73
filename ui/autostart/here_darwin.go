package autostart

import (
	"path/filepath"

	"github.com/adrg/xdg"
)

func here() agent {
	return agent{filepath.Join(xdg.Home, "Library", "LaunchAgents", ID+".plist")}
}

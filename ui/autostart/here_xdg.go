//go:build !darwin && !windows

package autostart

import (
	"path/filepath"

	"github.com/adrg/xdg"
)

func here() entries {
	e := entries{own: filepath.Join(xdg.ConfigHome, "autostart")}
	for _, dir := range xdg.ConfigDirs {
		e.system = append(e.system, filepath.Join(dir, "autostart"))
	}
	return e
}

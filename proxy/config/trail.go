package config

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// step is a name in a folder that leads to a file, or the file itself.
type step struct {
	dir, name string // the file's own has no name
	vital     bool   // to replace what has the name is a usual way to replace the file
}

// allSteps: inotify watches a folder whatever is in it, so that folders further
// up, which are seldom replaced, can be watched too. Other systems' ways open
// every file of a folder.
const allSteps = runtime.GOOS == "linux"

// trail goes the way to the file at an absolute path, through symlinks, and
// lists the steps that are worth watching: the file's own, those that are
// symlinks, and the first that leads nowhere.
func trail(path string) []step {
	volume := filepath.VolumeName(path)
	at := volume + string(filepath.Separator)
	todo := split(path[len(volume):])
	var steps []step
	for links := 0; len(todo) > 0 && links <= 40; { // as many as Linux follows
		name := todo[0]
		todo = todo[1:]
		if name == ".." {
			at = filepath.Dir(at)
			continue
		}
		next := filepath.Join(at, name)
		info, err := os.Lstat(next)
		link := err == nil && info.Mode()&os.ModeSymlink != 0
		vital := link || err != nil || len(todo) == 0
		if vital || allSteps {
			steps = append(steps, step{at, name, vital})
		}
		if err != nil {
			return steps
		}
		if !link {
			at = next
			if len(todo) == 0 && info.Mode().IsRegular() {
				// A file that is mounted by itself, as containers do, is written
				// without its folder here being told.
				steps = append(steps, step{dir: next})
			}
			continue
		}
		links++
		target, err := os.Readlink(next)
		if err != nil {
			return steps
		}
		if filepath.IsAbs(target) {
			volume = filepath.VolumeName(target)
			at = volume + string(filepath.Separator)
			target = target[len(volume):]
		}
		todo = append(split(target), todo...)
	}
	return steps
}

// split is the names of a path, without the empty ones and those that say here.
func split(path string) []string {
	var names []string
	for name := range strings.SplitSeq(filepath.ToSlash(path), "/") {
		if name != "" && name != "." {
			names = append(names, name)
		}
	}
	return names
}

// Package autostart has Lockbox started, without its window, when the person logs
// in: by what the desktop reads for that, so that the desktop's own settings and
// other programs can see and change it too.
package autostart

import (
	"errors"
	"fmt"
	"os"
)

// ID names the entry among those of other programs.
const ID = "io.github.lockbox"

// hidden is the argument with which the program shows its tray icon alone.
const hidden = "--hidden"

// State is how things are at the next login.
type State struct {
	On      bool
	Place   string // the file, or the registry's key, that says so; "" when nothing does
	Program string // what is started; "" when that cannot be told, or when nothing is
	System  bool   // Place is everyone's: a package put it there
}

// Program is the program to be started: this one, under the name that lasts.
func Program() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("where this program is cannot be told: %w", err)
	}
	return path, nil
}

// Read says how things are now, whoever made them so.
func Read() (State, error) { return here().read() }

// Set has program started at each login, or not any more. It does nothing where
// things are so already.
func Set(program string, on bool) error {
	s, err := here().read()
	switch {
	case err != nil:
		return err
	case on && s.On && s.Program == program, !on && !s.On:
		return nil
	case on:
		err = here().turnOn(program)
	default:
		err = here().turnOff()
	}
	if err != nil {
		return fmt.Errorf("what is started at login cannot be changed: %w", err)
	}
	return nil
}

// Repair has the entry name program where the one that it names is gone: it was
// moved. An entry that names another program which is there is left to the person.
func Repair(program string) (repaired bool, err error) {
	s, err := Read()
	if err != nil || !s.On || s.System || s.Program == "" || s.Program == program {
		return false, err
	}
	if _, err := os.Stat(s.Program); !errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return true, Set(program, true)
}

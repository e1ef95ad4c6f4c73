package cli

import (
	"errors"
	"os"

	"lockbox/ui/autostart"
)

type autostartCmd struct {
	On     autostartOnCmd     `cmd:"" help:"Start Lockbox at each login, with its tray icon alone."`
	Off    autostartOffCmd    `cmd:"" help:"Do not start Lockbox at login."`
	Status autostartStatusCmd `cmd:"" default:"1" help:"Say whether Lockbox is started at login."`
}

type autostartOnCmd struct{}

// Run has this program started.
func (autostartOnCmd) Run(t Terminal) error { return setAutostart(t, true) }

type autostartOffCmd struct{}

// Run has none started.
func (autostartOffCmd) Run(t Terminal) error { return setAutostart(t, false) }

func setAutostart(t Terminal, on bool) error {
	program, err := autostart.Program()
	if err == nil {
		err = autostart.Set(program, on)
	}
	if err != nil {
		return err
	}
	return autostartStatusCmd{}.Run(t)
}

type autostartStatusCmd struct{}

// Run prints on or off, and beside it what would be started.
func (autostartStatusCmd) Run(t Terminal) error {
	s, err := autostart.Read()
	if err != nil {
		return err
	}
	if !s.On {
		if s.Place != "" {
			t.say("%s says so.", s.Place)
		}
		return t.answer("off")
	}
	t.say("%s starts %s.", s.Place, shown(s.Program))
	if _, err := os.Stat(s.Program); errors.Is(err, os.ErrNotExist) {
		t.say("There is no such program: run lockbox autostart on where it is now.")
	}
	return t.answer("on")
}

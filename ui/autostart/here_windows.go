package autostart

import (
	"errors"
	"fmt"

	"golang.org/x/sys/windows/registry"
)

const (
	runKey      = `Software\Microsoft\Windows\CurrentVersion\Run`
	approvedKey = `Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run`
)

// run is the value of the person's Run key.
type run struct{}

func here() run { return run{} }

func (run) read() (State, error) {
	k, err := registry.OpenKey(registry.CURRENT_USER, runKey, registry.QUERY_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return State{}, nil
	}
	var command string
	if err == nil {
		defer k.Close() //nolint:errcheck // only read
		command, _, err = k.GetStringValue(ID)
	}
	if errors.Is(err, registry.ErrNotExist) {
		return State{}, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("what is started at login cannot be read: %w", err)
	}
	return State{On: allowed(), Place: `HKEY_CURRENT_USER\` + runKey, Program: runProgram(command)}, nil
}

// allowed reports that the task manager did not turn the entry off.
func allowed() bool {
	k, err := registry.OpenKey(registry.CURRENT_USER, approvedKey, registry.QUERY_VALUE)
	if err != nil {
		return true
	}
	defer k.Close() //nolint:errcheck // only read
	value, _, err := k.GetBinaryValue(ID)
	return err != nil || approved(value)
}

func (run) turnOn(program string) error {
	k, _, err := registry.CreateKey(registry.CURRENT_USER, runKey, registry.SET_VALUE)
	if err != nil {
		return err
	}
	if err := errors.Join(k.SetStringValue(ID, runCommand(program)), k.Close()); err != nil {
		return err
	}
	return forget(approvedKey)
}

func (run) turnOff() error { return forget(runKey) }

// forget removes the entry from a key where it is there.
func forget(key string) error {
	k, err := registry.OpenKey(registry.CURRENT_USER, key, registry.SET_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err = k.DeleteValue(ID); errors.Is(err, registry.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, k.Close())
}

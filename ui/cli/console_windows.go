package cli

import (
	"os"

	"golang.org/x/sys/windows"
)

// attachParentProcess is ATTACH_PARENT_PROCESS, the console of whoever started this.
const attachParentProcess = ^uintptr(0)

// Console has a command say what it says in the console that it was typed in. The
// program is one with windows, which Windows starts without any. What is redirected
// to a file or a pipe stays so.
func Console() {
	lost := map[**os.File]string{}
	for f, name := range map[**os.File]string{&os.Stdin: "CONIN$", &os.Stdout: "CONOUT$", &os.Stderr: "CONOUT$"} {
		if _, err := windows.GetFileType(windows.Handle((*f).Fd())); err != nil {
			lost[f] = name
		}
	}
	if len(lost) == 0 {
		return
	}
	// It says no where there is no such console: there is nobody to tell then.
	if ok, _, _ := windows.NewLazySystemDLL("kernel32.dll").NewProc("AttachConsole").Call(attachParentProcess); ok == 0 {
		return
	}
	for f, name := range lost {
		// Both ways: what asks for a passphrase sets how the console is read.
		if console, err := os.OpenFile(name, os.O_RDWR, 0); err == nil {
			*f = console
		}
	}
}

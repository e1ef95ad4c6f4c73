package awake

import (
	"context"
	"fmt"
	"runtime"

	"golang.org/x/sys/windows"
)

// https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-setthreadexecutionstate
const (
	esContinuous     = 0x80000000
	esSystemRequired = 0x00000001
)

var setThreadExecutionState = windows.NewLazySystemDLL("kernel32.dll").NewProc("SetThreadExecutionState")

// Hold keeps the computer awake until release is called. Windows ties that to a
// thread, which does nothing else until then.
func Hold(_ context.Context, _ string) (release func() error, err error) {
	begun, over, ended := make(chan error), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		was, _, err := setThreadExecutionState.Call(esContinuous | esSystemRequired)
		if was == 0 {
			begun <- fmt.Errorf("the system does not keep this computer awake: %w", err)
			return
		}
		begun <- nil
		<-over
		_, _, _ = setThreadExecutionState.Call(esContinuous)
	}()
	if err := <-begun; err != nil {
		return nil, err
	}
	return func() error { close(over); <-ended; return nil }, nil
}

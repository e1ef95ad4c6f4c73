//go:build unix

package config

import (
	"errors"
	"strings"
	"syscall"
	"testing"
)

// Where the system cannot watch, Watch says so and does not hang.
func TestWatchCannot(t *testing.T) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none := limit
	none.Cur = 0 // what is open stays so
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	err := Watch(t.Context(), "f", func() { t.Error("a change") }, func(error) { t.Error("trouble") })
	if rerr := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); rerr != nil {
		t.Fatal(rerr)
	}
	if !errors.Is(err, syscall.EMFILE) || !strings.Contains(err.Error(), "max_user_instances") {
		t.Errorf("%v, want EMFILE and what to do", err)
	}
}

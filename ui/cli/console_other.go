//go:build !windows

package cli

// Console has nothing to do here: a program has the terminal that it is started in.
func Console() {}

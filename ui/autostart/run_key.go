package autostart

import "strings"

// runCommand is the value of Windows' Run key that starts program. No path there
// has a quote in it.
func runCommand(program string) string { return `"` + program + `" ` + hidden }

// runProgram takes the program out of such a value.
func runProgram(command string) string {
	command = strings.TrimSpace(command)
	if rest, ok := strings.CutPrefix(command, `"`); ok {
		program, _, _ := strings.Cut(rest, `"`)
		return program
	}
	program, _, _ := strings.Cut(command, " ")
	return program
}

// approved reads what Windows' task manager keeps of an entry that was turned off
// there: the first byte is odd then. An entry that it never saw has none.
func approved(value []byte) bool { return len(value) == 0 || value[0]&1 == 0 }

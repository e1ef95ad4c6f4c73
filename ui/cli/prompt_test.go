//go:build linux

package cli

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// atTerminal gives a command a terminal of its own and types: each answer when its
// question is there. It returns all that the terminal showed.
func atTerminal(t *testing.T, cmd *exec.Cmd, talk ...string) (shown string, code int) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer person.Close()
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if cmd.Stdin == nil {
		cmd.Stdin = tty
	}
	cmd.Stdout, cmd.Stderr = tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 1}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var screen strings.Builder
	read := make(chan bool)
	go func() {
		defer close(read)
		buf := make([]byte, 4096)
		for {
			n, err := person.Read(buf)
			mu.Lock()
			screen.Write(buf[:n])
			mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	text := func() string { mu.Lock(); defer mu.Unlock(); return screen.String() }
	from := 0
	for i := 0; i < len(talk); i += 2 {
		for end := time.Now().Add(20 * time.Second); !strings.Contains(text()[from:], talk[i]); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				_ = cmd.Process.Kill()
				t.Fatalf("no %q within 20 s; the terminal shows %q", talk[i], text())
			}
		}
		from = len(text())
		time.Sleep(50 * time.Millisecond) // the echo goes off after the question
		if _, err := person.WriteString(talk[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	_ = cmd.Wait() // the code says it
	if flags, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS); err != nil || flags.Lflag&unix.ECHO == 0 {
		t.Errorf("the terminal is left without echo (%v)", err)
	}
	if err := tty.Close(); err != nil {
		t.Fatal(err)
	}
	<-read
	return text(), cmd.ProcessState.ExitCode()
}

func TestPrompts(t *testing.T) {
	h := vaultHome(t).with("LOCKBOX_PASSPHRASE=")
	const newPass, again, value = "New passphrase: ", "The same again: ", "Value of keychain://acme/key: "
	ask := "Passphrase of " + h.path("vault.age") + ": "
	set := []string{"secret", "set", "keychain://acme/key"}
	tests := []struct {
		name  string
		stdin string // "" is the terminal
		args  []string
		talk  []string
		code  int
		want  string
	}{
		{"interrupted", "", set, []string{value, "x\n", newPass, "\x03"}, 1, "interrupted"},
		{"mistyped", "", set, []string{value, "x\n", newPass, "canary-a\n", again, "canary-b\n"}, 1, "not the same"},
		{"empty", "", set, []string{value, "x\n", newPass, "\n", again, "\n"}, 1, "empty"},
		{"made", "", set, []string{value, "canary-1\n", newPass, "canary-pass\n", again, "canary-pass\n"}, 0, "is stored"},
		{"a value by a pipe", "canary-2", set, []string{ask, "canary-pass\n"}, 0, "is stored"},
		{"wrong, then right", "", []string{"secret", "list"}, []string{ask, "canary-x\n", "Wrong passphrase: try again.\r\n" + ask, "canary-pass\n"}, 0, "acme: headers/X-Key"},
		{"wrong for good", "", []string{"secret", "list"}, []string{ask, "canary-x\n", ask, "canary-y\n", ask, "canary-z\n"}, 1, "wrong passphrase"},
		{"no value", "", set, []string{value, "\n"}, 1, "nothing was entered"},
		{"served", "", []string{"serve", "--listen", "127.0.0.1:0"}, []string{ask, "canary-pass\n", "Vault: ", "\x03"}, 0, "Stopping"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cmd := h.command(t, tt.args...)
			if tt.stdin != "" {
				cmd.Stdin = strings.NewReader(tt.stdin)
			}
			shown, code := atTerminal(t, cmd, tt.talk...)
			if code != tt.code || !strings.Contains(shown, tt.want) || strings.Contains(shown, "canary") {
				t.Errorf("exit code %d, the terminal shows %q; want %d and %q, and nothing that was typed", code, shown, tt.code, tt.want)
			}
		})
	}
}

// TestBackupPrompts: who is at a terminal types the passphrase, twice for a new
// backup, and says yes to a restore.
func TestBackupPrompts(t *testing.T) {
	h := vaultHome(t)
	if r := h.set(t, "keychain://acme/key", "sk-canary"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	file := h.path("all.age")
	const again, yes = "The same again: ", "Restore it? [y/N] "
	ask := "Passphrase of " + file + ": "
	tests := []struct {
		name string
		args []string
		talk []string
		code int
		want string
	}{
		{"mistyped", []string{"export", "--backup", file}, []string{"Passphrase for " + file, "canary-a\n", again, "canary-b\n"}, 1, "not the same"},
		{"empty", []string{"export", "--backup", file}, []string{"Passphrase for " + file, "\n"}, 1, "empty"},
		{"made", []string{"export", "--backup", file}, []string{"Passphrase for " + file, "canary-pass\n", again, "canary-pass\n"}, 0, "1 key"},
		{"all here", []string{"import", "--backup", file}, []string{ask, "canary-x\n", "Wrong passphrase: try again.\r\n" + ask, "canary-pass\n"}, 0, "here already"},
		{"another key", []string{"secret", "set", "keychain://acme/key"}, []string{"Value of", "sk-canary-2\n"}, 0, "is stored"},
		{"no", []string{"import", "--backup", file}, []string{ask, "canary-pass\n", yes, "n\n"}, 1, "is replaced: keychain://acme/key"},
		{"yes", []string{"import", "--backup", file}, []string{ask, "canary-pass\n", yes, "y\n"}, 0, "Restored: "},
		{"wrong for good", []string{"import", "--backup", file}, []string{ask, "canary-x\n", ask, "canary-y\n", ask, "canary-z\n"}, 1, "wrong passphrase"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			shown, code := atTerminal(t, h.command(t, tt.args...), tt.talk...)
			if code != tt.code || !strings.Contains(shown, tt.want) || strings.Contains(shown, "canary") {
				t.Errorf("exit code %d, the terminal shows %q; want %d and %q, and nothing that was typed", code, shown, tt.code, tt.want)
			}
		})
	}
}

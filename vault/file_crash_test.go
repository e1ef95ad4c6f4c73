package vault

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"lockbox/proxy/secret"
)

// TestMain lets this binary be the other process of a test: it writes to the
// vault file that the variable names, and says what it wrote.
func TestMain(m *testing.M) {
	if path := os.Getenv("VAULT_TEST_WRITE"); path != "" {
		if err := writeOn(path, os.Getenv("VAULT_TEST_FIELD")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// writeOn writes one number after the other to two secrets, both in one change,
// 50 times where field is given, else until the process is killed.
func writeOn(path, field string) error {
	f := cheapFile(path, nil)
	ctx := context.Background()
	if err := f.UnlockWith(ctx, secret.New(pass)); err != nil {
		return err
	}
	first := 0
	if got, err := f.Get(ctx, "a", "n"); err == nil && field == "" {
		if first, err = strconv.Atoi(got.Reveal()); err != nil {
			return err
		}
	}
	for n := first + 1; field == "" || n <= 50; n++ {
		v := secret.New(strconv.Itoa(n))
		if err := f.Apply(ctx, []Change{{secret.KeychainRef("a", "n"+field), v}, {secret.KeychainRef("b", "n"+field), v}}); err != nil {
			return err
		}
		if _, err := fmt.Println(n); err != nil {
			return err
		}
	}
	return nil
}

// A process killed at any moment leaves the old file or the new one, and at
// least what it said was written; nothing is left that hinders the next.
func TestKilledWhileWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.age")
	opened(t, path)
	last := 0
	for range 60 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "VAULT_TEST_WRITE="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		said := bufio.NewScanner(out)
		if said.Scan() { // it is at it
			last = number(t, said.Text())
			time.Sleep(time.Duration(rand.IntN(8000)) * time.Microsecond)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for said.Scan() {
			last = number(t, said.Text())
		}
		_ = cmd.Wait() // it was killed
		f := opened(t, path)
		a, errA := f.Get(t.Context(), "a", "n")
		b, errB := f.Get(t.Context(), "b", "n")
		if errA != nil || errB != nil || !a.Equal(b) {
			t.Fatalf("half a change: %v, %v", errA, errB)
		}
		if n := number(t, a.Reveal()); n < last || n > last+1 {
			t.Fatalf("the file has change %d, and %d was the last that was written", n, last)
		}
	}
	if err := opened(t, path).Set(t.Context(), "a", "n", secret.New("0")); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
	t.Logf("killed 60 times, %d changes", last)
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Processes that write at once lose nothing of each other.
func TestTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.age")
	ours := cheapFile(path, nil) // they race for making it, too
	errs := make(chan error)
	for _, field := range []string{"x", "y"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "VAULT_TEST_WRITE="+path, "VAULT_TEST_FIELD="+field)
		cmd.Stdout, cmd.Stderr = io.Discard, os.Stderr
		go func() { errs <- cmd.Run() }()
	}
	err := ours.UnlockWith(t.Context(), secret.New(pass))
	for i := 0; i < 50 && err == nil; i++ {
		err = ours.Set(t.Context(), "ours", strconv.Itoa(i), secret.New("sk"))
	}
	if err := errors.Join(err, <-errs, <-errs); err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"x", "y"} {
		if got, err := ours.Get(t.Context(), "a", "n"+field); err != nil || got.Reveal() != "50" {
			t.Errorf("%s is at %d bytes, %v; want 50", field, got.Len(), err)
		}
	}
	if got, err := ours.List(t.Context()); err != nil || len(got) != 54 {
		t.Errorf("List has %d, %v; want 54", len(got), err)
	}
}

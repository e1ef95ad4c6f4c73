//go:build unix

package register

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets this binary be the process of a test that is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv("REGISTER_TEST_PATH"); path != "" {
		if err := beKilled(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// beKilled makes the change that the environment asks for and kills itself after
// the write of that number; it says how many there were when it got to the end.
func beKilled(path string) error {
	r, err := Open(path, nil)
	if err != nil {
		return err
	}
	at, _ := strconv.Atoi(os.Getenv("REGISTER_TEST_KILL"))
	n := 0
	r.file.wrote = func() {
		if n++; n == at {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	change, ok := changes[os.Getenv("REGISTER_TEST_DO")]
	if !ok {
		return errors.New("no such change")
	}
	if err := change(r); err != nil {
		return err
	}
	_, err = fmt.Println(n)
	return err
}

// The changes that are killed: all that write.
var changes = map[string]func(*Register) error{
	"add":            func(r *Register) error { return r.Add("New", claims("new", "github", "zapier", noon)) },
	"revoke":         func(r *Register) error { return r.Revoke("a", noon) },
	"revoke a group": func(r *Register) error { _, err := r.RevokeAll("github", "zapier", noon); return err },
	"pause":          func(r *Register) error { return r.Pause("a", strange) },
	"accept":         func(r *Register) error { return r.Accept("paused", noon) },
	"panic":          func(r *Register) error { return r.Panic(noon.Add(time.Hour)) },
	"resume":         func(r *Register) error { return r.Resume(noon) },
	"replace keys":   func(r *Register) error { return r.NoteKeys(noon.Add(time.Hour)) },
	"count": func(r *Register) error {
		e, err := r.Judge(claims("a", "github", "zapier", noon), noon)
		if err != nil {
			return err
		}
		e.Use(noon)
		return r.Flush()
	},
	"compact": func(r *Register) error {
		r.file.lines = compactAbove + 3*len(r.order)
		return r.compact(noon)
	},
}

// tell is all that a list says.
func tell(t *testing.T, path string) string {
	t.Helper()
	r := open(t, path)
	return fmt.Sprintf("%+v %+v %v %v", r.List(), newest(r.rules), r.Panicked().Unix(), r.KeysReplaced().Unix())
}

// TestKilledWrites: a process that is killed after any single write of a change
// leaves the list as it was or as it was to be, and the next one can write on.
func TestKilledWrites(t *testing.T) {
	first := filepath.Join(t.TempDir(), "tokens.jsonl")
	r := open(t, first)
	for _, id := range []string{"a", "b", "paused", "gone"} {
		c := claims(id, "github", "zapier", noon)
		if id == "gone" { // at the next rewriting
			c.Expires = noon.Add(-keepExpired - time.Hour)
		}
		do(t, r.Add("of "+id, c))
	}
	do(t, r.Revoke("b", noon))
	do(t, r.Pause("paused", strange))
	do(t, r.Panic(noon.Add(-time.Hour)))
	do(t, r.NoteKeys(noon.Add(-time.Hour)))
	for range 3 { // which a rewriting leaves out
		_, err := r.RevokeAll("slack", "", noon)
		do(t, err)
	}
	whole, err := os.ReadFile(first)
	do(t, err)
	half := append(bytes.Clone(whole), `{"op":"revoked","id":"a`...) // of a writer that died
	for what := range changes {
		t.Run(what, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "tokens.jsonl")
			set := func() {
				do(t, os.WriteFile(path, half, 0o600))
			}
			set()
			before := tell(t, path)
			writes, _ := killed(t, path, what, 0)
			after := tell(t, path)
			if writes < 3 || after == before {
				t.Fatalf("%d writes changed nothing: %s", writes, after)
			}
			olds, news := 0, 0
			for at := 1; at <= writes; at++ {
				set()
				if _, dead := killed(t, path, what, at); !dead {
					t.Fatalf("not killed at %d of %d", at, writes)
				}
				switch now := tell(t, path); now {
				case before:
					olds++
				case after:
					news++
				default:
					t.Errorf("killed at %d of %d: a mix: %s\nbefore: %s\nafter:  %s", at, writes, now, before, after)
				}
				next := open(t, path)
				do(t, next.Add("", claims("next", "x", "y", noon)))
				do(t, next.Revoke("a", noon))
				if got := refused(open(t, path), claims("a", "github", "zapier", noon), claims("b", "github", "zapier", noon)); len(got) != 2 {
					t.Errorf("killed at %d of %d: only %v are revoked by the next one", at, writes, got)
				}
				next.compactNow(t) // over what a killed one left
			}
			if olds == 0 || news == 0 {
				t.Errorf("the old list %d times, the new one %d times: the kills missed the change", olds, news)
			}
			t.Logf("%d writes", writes)
		})
	}
}

// killed makes a change in a process that kills itself after its write at, 0 for
// never; it returns the number of writes of one that came to its end.
func killed(t *testing.T, path, what string, at int) (writes int, dead bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "REGISTER_TEST_PATH="+path, "REGISTER_TEST_DO="+what, "REGISTER_TEST_KILL="+strconv.Itoa(at))
	var said, out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	if cmd.ProcessState != nil && cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return 0, true
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", what, err, said.String())
	}
	writes, err = strconv.Atoi(strings.TrimSpace(out.String()))
	do(t, err)
	return writes, false
}

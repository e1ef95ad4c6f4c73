package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/secret"
)

// session opens a log, writes n records and closes it; the zero key is a vault that
// stays locked.
func session(t *testing.T, dir string, n int, key secret.Value) {
	t.Helper()
	l := open(t, dir)
	l.limit = 2 << 10
	for range n / 2 {
		add(t, l, "s", "/")
	}
	if !key.IsZero() {
		l.SetKey(key)
	}
	for range n - n/2 {
		add(t, l, "s", "/")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestLockedVault: a log that goes on without its key for a while is right.
func TestLockedVault(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "[audit]")
	session(t, dir, 10, auditKey)
	session(t, dir, 10, secret.Value{})
	if v := verified(t, dir); !v.OK() || v.Signed != 10 || v.Records != 20 {
		t.Errorf("without the key: %+v", v)
	}
	l := open(t, dir)
	l.SetRetention(Retention{Bytes: 1 << 10})
	if err := l.Retain(time.Now()); err == nil || !strings.Contains(err.Error(), "vault") || l.Count() != 20 {
		t.Errorf("dropped without the key: %v, %d records", err, l.Count())
	}
	l.SetKey(auditKey)
	if err := l.Retain(time.Now()); err != nil || l.Count() >= 20 {
		t.Errorf("with the key: %v, %d records", err, l.Count())
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if v := verified(t, dir); !v.OK() || v.Signed != 20 || v.Dropped == 0 {
		t.Errorf("with the key again: %+v", v)
	}
}

// TestFirstKey: what was on record before there was a key is taken as it is.
func TestFirstKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	session(t, dir, 30, secret.Value{})
	l := open(t, dir)
	l.SetRetention(Retention{Bytes: 4 << 10})
	if err := l.Retain(time.Now()); err != nil || l.Count() >= 30 {
		t.Errorf("before the key: %v, %d records", err, l.Count())
	}
	l.SetNewKey(auditKey)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if v := verified(t, dir); !v.OK() || v.Signed != 30 {
		t.Errorf("%+v", v)
	}
}

// TestForgedHead: Lockbox does not sign for what somebody did to the log while it
// was not running.
func TestForgedHead(t *testing.T) {
	for name, forge := range map[string]func(t *testing.T, head string, m mark){
		"unsigned": func(t *testing.T, head string, m mark) {
			if err := writeMark(head, headKind, m, secret.Value{}); err != nil {
				t.Fatal(err)
			}
		},
		"signed with another key": func(t *testing.T, head string, m mark) {
			if err := writeMark(head, headKind, m, secret.New("another key")); err != nil {
				t.Fatal(err)
			}
		},
		"gone": func(t *testing.T, head string, _ mark) { remove(t, head) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := written(t, 40)
			logs, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
			if err != nil {
				t.Fatal(err)
			}
			remove(t, logs[len(logs)-1])
			last, _, _, err := mend(logs[len(logs)-2])
			if err != nil {
				t.Fatal(err)
			}
			forge(t, dir+".head", mark{Seq: last.seq, Hash: last.hash.String(), Time: time.Now()})
			for range 2 {
				session(t, dir, 4, auditKey)
				if v := verified(t, dir); len(v.Faults) != 1 || v.Faults[0].Kind != Unsigned {
					t.Errorf("gone on with: %+v, want one unsigned head", v.Faults)
				}
			}
		})
	}
}

// TestVerifyWhileRecordsAreDropped: what retention does meanwhile is no fault.
func TestVerifyWhileRecordsAreDropped(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	l := open(t, dir)
	l.limit = 2 << 10
	l.SetKey(auditKey)
	if v := verified(t, dir); !v.OK() {
		t.Errorf("before the first record: %+v", v)
	}
	reader, err := OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	l.SetRetention(Retention{Bytes: 8 << 10})
	for round := range 40 {
		for i := range 20 {
			add(t, l, "s", fmt.Sprint("/", round, "/", i))
		}
		n := 0
		v, err := reader.VerifyWith(t.Context(), auditKey, func(_, _ int64) {
			if n++; n == 1+round%3 { // in the middle of it
				if err := l.Retain(time.Now()); err != nil {
					t.Error(err)
				}
				if err := l.keeper.sign(); err != nil {
					t.Error(err)
				}
			}
		})
		if err != nil || !v.OK() {
			t.Fatalf("round %d: %+v, %v", round, v, err)
		}
	}
}

// TestCrashWhileRecordsAreDropped: the checkpoint is there, and what it drops too.
func TestCrashWhileRecordsAreDropped(t *testing.T) {
	dir := written(t, 40)
	old := filepath.Join(t.TempDir(), "old")
	if err := os.CopyFS(old, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	l := open(t, dir)
	l.SetKey(auditKey)
	l.SetRetention(Retention{Bytes: 8 << 10})
	if err := l.Retain(time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	logs, _ := filepath.Glob(filepath.Join(old, "*"+suffix))
	text, err := os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	back := filepath.Join(dir, filepath.Base(logs[0]))
	if err := os.WriteFile(back, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if v := verified(t, dir); v.Dropped == 0 || !v.OK() {
		t.Errorf("%+v", v)
	}
}

package proxy

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// TestEager: a connection that is polled gives what any other one does.
func TestEager(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for _, lone := range []bool{true, false} {
		theirs, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		ours, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		e := newEager(ours, func() bool { return lone })
		read := func(what, want string, wantErr error) {
			t.Helper()
			e.quick = true
			var b [64]byte
			n, err := e.Read(b[:])
			if got := string(b[:n]); got != want || !errors.Is(err, wantErr) {
				t.Errorf("lone %v: %s: got %q, %v; want %q, %v", lone, what, got, err, want, wantErr)
			}
		}
		say := func(s string) {
			if _, err := theirs.Write([]byte(s)); err != nil {
				t.Fatal(err)
			}
		}
		say("there")
		read("what is there", "there", nil)
		time.AfterFunc(20*time.Microsecond, func() { say("soon") })
		read("what comes soon", "soon", nil)
		time.AfterFunc(5*time.Millisecond, func() { say("late") })
		read("what comes late", "late", nil)
		if e.quick && lone {
			t.Error("it goes on polling for what comes late")
		}
		_ = ours.SetReadDeadline(time.Now().Add(-time.Second))
		read("a deadline that has passed", "", os.ErrDeadlineExceeded)
		_ = ours.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		read("a deadline to come", "", os.ErrDeadlineExceeded)
		_ = ours.SetReadDeadline(time.Time{})
		_ = theirs.Close()
		read("the end", "", io.EOF)
		_ = ours.Close()
		read("a closed one", "", net.ErrClosed)
	}
}

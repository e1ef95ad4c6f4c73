package cli

import (
	"bytes"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestSignals(t *testing.T) {
	for _, tt := range []struct {
		name    string
		after   []time.Duration // when a SIGTERM comes
		exit    time.Duration   // when the program is ended, 0: not
		stopped bool            // the context has ended
	}{
		{"none", nil, 0, false},
		{"one, and nothing ends", []time.Duration{time.Minute}, time.Minute + endTime, true},
		{"an echo", []time.Duration{time.Minute, time.Minute + echoTime}, time.Minute + endTime, true},
		{"two", []time.Duration{time.Minute, time.Minute + 2*time.Second}, time.Minute + 2*time.Second, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				var exited time.Duration
				var said bytes.Buffer
				s := watchSignals(make(chan os.Signal, 4), Terminal{Err: &said}, func(code int) {
					if code != exitFailed {
						t.Errorf("exit code %d, want 1", code)
					}
					exited = time.Since(begin)
				})
				for _, at := range tt.after {
					time.Sleep(at - time.Since(begin))
					s.got <- syscall.SIGTERM
				}
				time.Sleep(time.Minute)
				s.stop()
				if exited != tt.exit {
					t.Errorf("ended after %v, want %v:\n%s", exited, tt.exit, &said)
				}
				if stopped := said.Len() > 0; stopped != tt.stopped {
					t.Errorf("it said %q", &said)
				}
			})
		})
	}
}

func TestHangUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := watchSignals(make(chan os.Signal, 4), Terminal{Err: &bytes.Buffer{}}, func(int) { t.Error("it ended the program") })
		defer s.stop()
		for range 3 { // more than are waited for
			s.got <- syscall.SIGHUP
		}
		synctest.Wait()
		<-s.reload
		select {
		case <-s.reload:
			t.Error("hang-ups that came at once were not taken as one")
		case <-s.ctx.Done():
			t.Error("a hang-up stops the server")
		case <-time.After(time.Hour):
		}
	})
}

package proxy

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lockbox/proxy/config"
)

func TestBrake(t *testing.T) {
	limit := config.Brake{Failures: 10, Per: time.Minute, Lockout: 5 * time.Minute}
	stranger, friend := netip.MustParsePrefix("203.0.113.9/32"), netip.MustParsePrefix("203.0.113.10/32")
	wrong := func(b *brake, p netip.Prefix) (pause, lockout time.Duration) {
		pause, lockout, waited := b.wrong(p, limit)
		if waited != nil {
			waited()
		}
		return pause, lockout
	}
	synctest.Test(t, func(t *testing.T) {
		b := newBrake()
		for i := 1; i <= 10; i++ {
			want := max(0, time.Duration(i-freeTries)*slowStep)
			if pause, lockout := wrong(b, stranger); pause != want || lockout != 0 {
				t.Errorf("wrong call %d: %v, %v, want to wait %v", i, pause, lockout, want)
			}
		}
		if left, _ := b.lockedOut(stranger); left != 0 {
			t.Errorf("locked out for %v too early", left)
		}
		if _, lockout := wrong(b, stranger); lockout != limit.Lockout {
			t.Errorf("the eleventh: %v", lockout)
		}
		for i := range 3 {
			if left, pause := b.lockedOut(stranger); left != limit.Lockout || pause != time.Duration(i)*turn {
				t.Errorf("locked out: %v, %v", left, pause)
			}
		}
		if left, _ := b.lockedOut(friend); left != 0 {
			t.Error("another address is locked out")
		}
		time.Sleep(limit.Lockout)
		if left, _ := b.lockedOut(stranger); left != 0 {
			t.Errorf("still locked out: %v", left)
		}
		if pause, lockout := wrong(b, stranger); pause != 0 || lockout != 0 {
			t.Errorf("afterwards: %v, %v", pause, lockout)
		}
		// Few wrong calls, over a long time, are nobody's guesses.
		for range 100 {
			time.Sleep(limit.Per/5 + time.Second)
			if pause, lockout := wrong(b, stranger); pause != 0 || lockout != 0 {
				t.Errorf("now and then: %v, %v", pause, lockout)
			}
		}
		// Nobody shuts out those with whom a platform has him share its address.
		b.good(friend)
		for range 200 {
			if _, lockout := wrong(b, friend); lockout != 0 {
				t.Fatal("the address of good calls is locked out")
			}
		}
		if pause, _ := wrong(b, friend); pause < 100*turn {
			t.Errorf("its wrong calls wait %v", pause)
		}
		time.Sleep(known + time.Second)
		for range 10 {
			wrong(b, friend)
		}
		if _, lockout := wrong(b, friend); lockout == 0 {
			t.Error("it is known for ever")
		}
	})
}

func TestBrakeIsOff(t *testing.T) {
	b := newBrake()
	for range 1000 {
		if pause, lockout, waited := b.wrong(netip.MustParsePrefix("203.0.113.9/32"), config.Brake{}); pause != 0 || lockout != 0 || waited != nil {
			t.Fatal("it brakes")
		}
	}
}

func TestBrakeWaits(t *testing.T) {
	b, p := newBrake(), netip.MustParsePrefix("203.0.113.9/32")
	limit := config.Brake{Failures: 1000, Per: time.Hour, Lockout: time.Hour}
	waiting := 0
	for range 100 {
		if _, _, waited := b.wrong(p, limit); waited != nil {
			waiting++
		}
	}
	if waiting != slowAtOnce {
		t.Errorf("%d calls wait, want %d", waiting, slowAtOnce)
	}
}

// Ten thousand guesses take as long as their turns, and those for whom there is no
// turn lose their connection.
func TestBrakeTakesTurns(t *testing.T) {
	const guesses, callers = 10_000, 50
	p, limit := netip.MustParsePrefix("203.0.113.9/32"), config.Brake{Failures: 1, Per: time.Minute, Lockout: time.Hour}
	synctest.Test(t, func(t *testing.T) {
		b := newBrake()
		for range 2 {
			b.wrong(p, limit)
		}
		began := time.Now()
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				for range guesses / callers {
					left, pause := b.lockedOut(p)
					if left == 0 || pause < 0 || pause > callers*turn {
						t.Errorf("%v locked out, to wait %v", left, pause)
					}
					time.Sleep(pause)
				}
			})
		}
		wg.Wait()
		if got, want := time.Since(began), (guesses-1)*turn; got != want {
			t.Errorf("%d guesses took %v, want %v", guesses, got, want)
		}
		const most = int(slowMost/turn) + 1
		time.Sleep(turn)
		for i := range most + 100 {
			want := time.Duration(i) * turn
			if i >= most {
				want = hangUp
			}
			if _, pause := b.lockedOut(p); pause != want {
				t.Fatalf("caller %d at a time waits %v, want %v", i, pause, want)
			}
		}
	})
}

func TestBrakeForgets(t *testing.T) {
	b := newBrake()
	for i := range 3 * mostWatched {
		b.wrong(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32), config.DefaultBrake)
	}
	if len(b.by) > mostWatched {
		t.Errorf("%d addresses are remembered", len(b.by))
	}
}

func TestAddressOf(t *testing.T) {
	for in, want := range map[string]string{
		"203.0.113.9": "203.0.113.9", "203.0.113.9:80": "203.0.113.9", "[2001:db8:1:2:3::4]:80": "2001:db8:1:2::/64",
		"2001:db8::1": "2001:db8::/64", "::ffff:203.0.113.9": "203.0.113.9", "[fe80::1%eth0]:1": "fe80::/64",
		"127.0.0.1:80": "", "[::1]:80": "", "::ffff:127.0.0.1": "", "": "", "pipe": "", ":0": "",
	} {
		got := ""
		if p, _ := addressOf(in); p.IsValid() {
			got = networkName(p)
		}
		if got != want {
			t.Errorf("addressOf(%q) = %q, want %q", in, got, want)
		}
	}
	if _, addr := addressOf("[2001:db8::1]:2"); fmt.Sprint(addr) != "2001:db8::1" {
		t.Errorf("the address: %v", addr)
	}
}

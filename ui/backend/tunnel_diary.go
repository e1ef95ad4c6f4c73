package backend

import (
	"fmt"
	"time"

	"lockbox/proxy"
	"lockbox/proxy/audit"
	"lockbox/tunnel"
)

// Who opens and closes the tunnel, as the audit log says it.
const (
	ByWindow  = "the window"
	ByTray    = "the tray"
	byCommand = "the command (--tunnel)"
	byStart   = `the start ("start": true in the config)`
	byPanic   = "panic"
	byEnd     = "the end of Lockbox"
)

// tunnelDiary writes down what the tunnel was open for. It is told of one change
// after the other.
type tunnelDiary struct {
	opener  string
	address string    // that callers had last; "" until it was open
	opened  time.Time // for the first time
	lost    time.Time // zero: it is not
}

// tunnelChanged notes a change of the tunnel, and shows it.
func (b *Backend) tunnelChanged(was, now TunnelState) {
	for _, x := range b.diary.follow(was, now, time.Now()) {
		b.noteEvent(x)
	}
	b.stayAwake()
	b.publish()
}

// follow gives the records that a change is worth.
func (d *tunnelDiary) follow(was, now tunnel.State, at time.Time) []audit.Exchange {
	switch {
	case now.Phase == was.Phase && now.URL == was.URL:
	case now.Phase == TunnelOpening:
		*d = tunnelDiary{opener: now.By}
	case now.Phase == TunnelOpen:
		return d.open(now.URL, at)
	case now.Phase == TunnelLost && was.Phase == TunnelOpen:
		d.lost = at
		return []audit.Exchange{event(at, "tunnel_lost", "Calls to %s do not arrive: %s", d.address, now.Trouble)}
	case now.Phase == TunnelClosed:
		return d.close(now, at)
	}
	return nil
}

func (d *tunnelDiary) open(address string, at time.Time) []audit.Exchange {
	former, lost := d.address, d.lost
	d.address, d.lost = address, time.Time{}
	if former == "" {
		d.opened = at
		return []audit.Exchange{event(at, "tunnel_opened", "%s is open to the internet, by %s.", address, d.opener)}
	}
	var all []audit.Exchange
	if address != former {
		all = append(all, event(at, "tunnel_address_changed", "Callers reach %s, and no longer %s.", address, former))
	}
	if !lost.IsZero() {
		all = append(all, event(at, "tunnel_opened", "%s is open again, after %v.", address, span(lost, at)))
	}
	return all
}

// close says how it ended. What never was open and that a person closed let nobody
// in, and is not worth a record.
func (d *tunnelDiary) close(now tunnel.State, at time.Time) []audit.Exchange {
	why := "by " + now.By + "."
	if !now.Trouble.IsZero() {
		why = "by itself: " + now.Trouble.String()
	}
	switch {
	case d.address != "":
		return []audit.Exchange{event(at, "tunnel_closed", "%s is closed after %v, %s", d.address, span(d.opened, at), why)}
	case !now.Trouble.IsZero():
		return []audit.Exchange{event(at, "tunnel_closed", "What %s asked for did not open. It is closed %s", d.opener, why)}
	}
	return nil
}

func span(from, to time.Time) time.Duration { return to.Sub(from).Round(time.Second) }

func event(at time.Time, name, format string, args ...any) audit.Exchange {
	return audit.Exchange{Time: at, Decision: audit.Noted, Event: name, Reason: fmt.Sprintf(format, args...)}
}

// lockedOut notes an address that is locked out, and shows it.
func (b *Backend) lockedOut(l proxy.Lockout) {
	x := event(time.Now(), "address_locked_out", "%s is locked out of the public side until %s: too many calls without a valid service token.",
		l.Address, l.Until.UTC().Format(time.RFC3339))
	x.Remote = l.Address
	b.noteEvent(x)
	b.publish()
}

// noteEvent records what is no call. Without a record it happened all the same.
func (b *Backend) noteEvent(x audit.Exchange) {
	if err := b.audit.Append(&x); err != nil {
		b.opts.Logger.Error("an event is not in the audit log", "event", x.Event, "what", x.Reason, "why", err)
	}
}

package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/tailscale/hujson"

	"lockbox/proxy/secret"
)

// TunnelAuthtoken is where the tunnel's authtoken is when the file does not say.
var TunnelAuthtoken = secret.KeychainRef("ngrok", "authtoken")

// Tunnel is how Lockbox opens a tunnel of its own, by ngrok.
type Tunnel struct {
	Authtoken  secret.Source // TunnelAuthtoken when unset
	Domain     string        // without https://; "" is the account's own
	Start      bool          // it is opened at each start
	CloseAfter time.Duration // it is closed so long after it was opened; 0: never
	KeepAwake  bool          // the computer does not fall asleep while it is open
	Limit      EdgeLimit     // of the calls of an address, at ngrok
}

// EdgeLimit is how many calls ngrok lets through from one address in a time.
type EdgeLimit struct {
	Requests int // 0: any number
	Per      time.Duration
}

// What ngrok takes: https://ngrok.com/docs/traffic-policy/actions/rate-limit.
const (
	minEdgePer  = time.Minute
	maxEdgePer  = 24 * time.Hour
	edgeStep    = 10 * time.Second
	maxRequests = 1_000_000
)

// Brake is what stops callers from the internet who guess.
type Brake struct {
	Failures int           // that an address may have in the time Per; 0: any number
	Per      time.Duration // what they are counted in
	Lockout  time.Duration // how long an address with more is shut out
}

// DefaultBrake is in force when the file does not say.
var DefaultBrake = Brake{Failures: 20, Per: time.Minute, Lockout: 10 * time.Minute}

// The limits of durations: what is longer is a slip of the pen.
const (
	minDuration = time.Second
	maxDuration = 30 * 24 * time.Hour
)

// CheckDomain says what is wrong with the domain of a tunnel; "" is none.
func CheckDomain(s string) error {
	switch {
	case s == "":
		return nil
	case strings.Contains(s, "://"):
		return errors.New("stands without https://, such as mine.ngrok.app")
	case !hostname(s) || !strings.Contains(s, "."):
		return errors.New("is not a domain, such as mine.ngrok.app")
	}
	return nil
}

// tunnel reads tunnel; null is one with the defaults.
func (d *decoder) tunnel(v *hujson.Value) Tunnel {
	const field = "tunnel"
	t := Tunnel{Authtoken: secret.Source{Ref: TunnelAuthtoken}}
	if isNull(v) {
		return t
	}
	o := d.object(v, field)
	if o == nil {
		return t
	}
	d.unknown(o, field+"/", tunnelKeys)
	if s, ok := d.text(o.value("authtoken"), field+"/authtoken"); ok && s != "" {
		source, err := secret.ParseSource(s)
		if err != nil {
			d.fail(o.value("authtoken"), field+"/authtoken", "%v", err)
		}
		if !source.IsRef() {
			d.warn(o.value("authtoken"), field+"/authtoken", "stands in the file itself: put it into the vault, and %s here", TunnelAuthtoken)
		}
		t.Authtoken = source
	}
	if s, ok := d.text(o.value("domain"), field+"/domain"); ok {
		if err := CheckDomain(s); err != nil {
			d.fail(o.value("domain"), field+"/domain", "%v", err)
		}
		t.Domain = strings.ToLower(s)
	}
	t.Start = d.boolean(o.value("start"), field+"/start", false)
	t.CloseAfter = d.duration(o.value("close_after"), field+"/close_after", 0)
	t.KeepAwake = d.boolean(o.value("keep_awake"), field+"/keep_awake", false)
	t.Limit = d.edgeLimit(o.value("rate_limit"), field+"/rate_limit")
	return t
}

// edgeLimit reads how many calls ngrok lets through; null is any number.
func (d *decoder) edgeLimit(v *hujson.Value, field string) EdgeLimit {
	if isNull(v) {
		return EdgeLimit{}
	}
	o := d.object(v, field)
	if o == nil {
		return EdgeLimit{}
	}
	d.unknown(o, field+"/", edgeLimitKeys)
	failed := len(d.errors)
	l := EdgeLimit{Per: d.duration(o.value("per"), field+"/per", time.Minute)}
	if len(d.errors) == failed && (l.Per < minEdgePer || l.Per > maxEdgePer || l.Per%edgeStep != 0) {
		d.fail(o.value("per"), field+"/per", "must be between 1m and 24h in steps of 10s, which is what ngrok takes")
	}
	n := o.value("requests")
	if n == nil {
		d.missing(o, field+"/", "requests")
		return l
	}
	lit, _ := n.Value.(hujson.Literal)
	count, err := strconv.ParseUint(string(lit), 10, 31)
	if err != nil || count == 0 || count > maxRequests {
		d.fail(n, field+"/requests", "must be a whole number from 1 to %d, such as 120", maxRequests)
	}
	l.Requests = int(count) //nolint:gosec // of 31 bits
	return l
}

// brake reads brake; null is none.
func (d *decoder) brake(v *hujson.Value) Brake {
	const field = "brake"
	if v == nil {
		return DefaultBrake
	}
	if isNull(v) {
		return Brake{}
	}
	b := DefaultBrake
	o := d.object(v, field)
	if o == nil {
		return b
	}
	d.unknown(o, field+"/", brakeKeys)
	if n := o.value("failures"); n != nil {
		lit, _ := n.Value.(hujson.Literal)
		count, err := strconv.ParseUint(string(lit), 10, 20)
		if err != nil {
			d.fail(n, field+"/failures", "must be a whole number, such as 20; 0 is any number")
		}
		b.Failures = int(count) //nolint:gosec // of 20 bits
	}
	b.Per = d.duration(o.value("per"), field+"/per", b.Per)
	b.Lockout = d.duration(o.value("lockout"), field+"/lockout", b.Lockout)
	if b.Failures > 0 && (b.Per == 0 || b.Lockout == 0) {
		d.fail(o.at, field, "needs a time for per and lockout: leave them out for the usual ones, or write \"brake\": null for no brake")
	}
	return b
}

// duration reads a time, such as "15m"; null is none.
func (d *decoder) duration(v *hujson.Value, field string, or time.Duration) time.Duration {
	if v == nil {
		return or
	}
	if isNull(v) {
		return 0
	}
	s, ok := d.text(v, field)
	if !ok {
		return or
	}
	t, err := ParseTime(s)
	if err != nil {
		d.fail(v, field, "%v", err)
	}
	return t
}

// ParseTime reads how long something lasts: "15m".
func ParseTime(s string) (time.Duration, error) {
	t, err := time.ParseDuration(s)
	switch {
	case err != nil:
		return 0, errors.New(`is not a time, such as "90s", "15m" or "8h"`)
	case t < minDuration || t > maxDuration:
		return t, fmt.Errorf("must be between 1s and %.0fh", maxDuration.Hours())
	}
	return t, nil
}

// ParseNetwork reads an address or a network of them: "203.0.113.9", "2001:db8::/32".
func ParseNetwork(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, errors.New("is neither an address nor a network, such as 203.0.113.9 or 203.0.113.0/24")
	}
	if p.Masked() != p {
		return netip.Prefix{}, fmt.Errorf("names an address in a network: write %s for the network, or the address alone", p.Masked())
	}
	return p, nil
}

// networks reads a list of addresses and networks; null is any.
func (d *decoder) networks(v *hujson.Value, field string) []netip.Prefix {
	if isNull(v) {
		return nil
	}
	list, ok := v.Value.(*hujson.Array)
	if !ok {
		d.fail(v, field, `must be a list, such as ["203.0.113.0/24"], or null for any address; it is %s`, kind(v))
		return nil
	}
	all := make([]netip.Prefix, 0, len(list.Elements))
	for i := range list.Elements {
		at := field + "/" + strconv.Itoa(i)
		s, ok := d.text(&list.Elements[i], at)
		if !ok {
			continue
		}
		p, err := ParseNetwork(s)
		if err != nil {
			d.fail(&list.Elements[i], at, "%v", err)
			continue
		}
		all = append(all, p)
	}
	return all
}

// putNetworks writes a list of addresses and networks. One that says the same
// already stays as it is written.
func putNetworks(l *list, key string, networks []netip.Prefix) {
	if networks == nil {
		if i := l.find(key); i >= 0 {
			l.items[i].value.Value = hujson.Literal("null")
		}
		return
	}
	texts := make([]string, len(networks))
	for i, p := range networks {
		texts[i] = p.String()
		if p.IsSingleIP() {
			texts[i] = p.Addr().String()
		}
	}
	if i := l.find(key); i >= 0 {
		written, _ := l.items[i].value.Value.(*hujson.Array)
		for k := range networks {
			if written == nil || k >= len(written.Elements) {
				break
			}
			if p, err := ParseNetwork(text(written.Elements[k].Value)); err == nil && p == networks[k] {
				texts[k] = text(written.Elements[k].Value)
			}
		}
	}
	putTexts(l, key, serviceKeys, texts)
}

// SetTunnel sets how Lockbox opens a tunnel, but for its rate limit. Keys with
// default values are left out unless they were there. The authtoken must be a reference.
func SetTunnel(src []byte, t Tunnel) ([]byte, error) {
	if err := CheckDomain(t.Domain); err != nil {
		return nil, fmt.Errorf("tunnel/domain: %w", err)
	}
	if !t.Authtoken.Literal.IsZero() {
		return nil, errors.New("tunnel/authtoken: must be a reference, such as " + TunnelAuthtoken.String())
	}
	e, err := edit(src)
	if err != nil {
		return nil, err
	}
	v := e.top.set("tunnel", topKeys)
	if v.Value.Kind() != '{' {
		v.Value = &hujson.Object{}
	}
	o, err := e.objectAt(v, "", "tunnel")
	if err != nil {
		return nil, err
	}
	l := e.top.members(&e.top.items[e.top.find("tunnel")], o)
	putTunnel(l, t)
	l.store()
	return e.bytes()
}

// putTunnel writes what tunnel reads, but for the rate limit.
func putTunnel(l *list, t Tunnel) {
	if t.Authtoken.IsRef() && (l.find("authtoken") >= 0 || t.Authtoken.Ref != TunnelAuthtoken) {
		setText(l.set("authtoken", tunnelKeys), t.Authtoken.Ref.String())
	}
	if l.find("domain") >= 0 || t.Domain != "" {
		setText(l.set("domain", tunnelKeys), t.Domain)
	}
	if l.find("start") >= 0 || t.Start {
		l.set("start", tunnelKeys).Value = hujson.Bool(t.Start)
	}
	if l.find("keep_awake") >= 0 || t.KeepAwake {
		l.set("keep_awake", tunnelKeys).Value = hujson.Bool(t.KeepAwake)
	}
	switch i := l.find("close_after"); {
	case t.CloseAfter != 0:
		setText(l.set("close_after", tunnelKeys), t.CloseAfter.String())
	case i >= 0:
		l.items[i].value.Value = hujson.Literal("null")
	}
}

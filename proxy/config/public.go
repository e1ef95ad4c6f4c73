package config

import (
	"errors"
	"fmt"
	"net"

	"github.com/tailscale/hujson"
)

// errTunnelOpen: what the internet reaches asks for a token.
var errTunnelOpen = errors.New(`needs "requires_service_token": true: without a token everyone on the internet could use the service`)

// CheckPublicListen says what is wrong with the public side's address. It is a
// loopback one: what brings callers in from elsewhere runs on this machine, and
// speaks TLS with them.
func CheckPublicListen(s string) error {
	if err := CheckListen(s); err != nil {
		return err
	}
	if !isLoopback(s) {
		return errors.New("must be a loopback address, such as 127.0.0.1:8001: let your tunnel or reverse proxy, which speaks TLS, lead there")
	}
	return nil
}

// publicListen reads public_listen; null is none.
func (d *decoder) publicListen(o *object, listen string) string {
	const field = "public_listen"
	v := o.value(field)
	if isNull(v) {
		return ""
	}
	s, ok := d.text(v, field)
	if !ok {
		return ""
	}
	if err := CheckPublicListen(s); err != nil {
		d.fail(v, field, "%v", err)
	} else if _, port, _ := net.SplitHostPort(s); s == listen && port != "0" {
		d.fail(v, field, "is the address of listen, which also answers /admin: choose another port")
	}
	return s
}

// SetPublicListen sets the public side's address; "" is nowhere.
func SetPublicListen(src []byte, addr string) ([]byte, error) {
	if addr != "" {
		if err := CheckPublicListen(addr); err != nil {
			return nil, fmt.Errorf("public_listen: %w", err)
		}
	}
	e, err := edit(src)
	if err != nil {
		return nil, err
	}
	switch i := e.top.find("public_listen"); {
	case addr != "":
		setText(e.top.set("public_listen", topKeys), addr)
	case i >= 0:
		e.top.items[i].value.Value = hujson.Literal("null")
	}
	return e.bytes()
}

// reach reads who can reach a service, and by what addresses.
func (d *decoder) reach(o *object, s *Service) {
	s.Tunnel = d.boolean(o.value("tunnel"), "tunnel", false)
	s.AllowFrom = d.networks(o.value("allow_from"), "allow_from")
	s.TokenInQuery = d.boolean(o.value("token_in_query"), "token_in_query", false)
	s.TokenInPath = d.boolean(o.value("token_in_path"), "token_in_path", false)
	s.AllowLinkLocal = d.boolean(o.value("allow_link_local"), "allow_link_local", false)
	if s.AllowFrom != nil && !s.Tunnel {
		d.warn(o.value("allow_from"), "allow_from", "has no use: the service is not on the public side")
	}
	if s.RequiresServiceToken {
		return
	}
	if s.Tunnel {
		d.fail(o.value("tunnel"), "tunnel", "%v", errTunnelOpen)
	}
	for key, set := range map[string]bool{"token_in_query": s.TokenInQuery, "token_in_path": s.TokenInPath} {
		if set {
			d.idle(o.value(key), key)
		}
	}
}

func (d *decoder) idle(v *hujson.Value, key string) {
	d.warn(v, key, "has no use: the service asks for no token")
}

// putReach writes what reach reads.
func putReach(l *list, s *Service) {
	putBool(l, "tunnel", s.Tunnel, false)
	putNetworks(l, "allow_from", s.AllowFrom)
	putBool(l, "token_in_query", s.TokenInQuery, false)
	putBool(l, "token_in_path", s.TokenInPath, false)
	putBool(l, "allow_link_local", s.AllowLinkLocal, false)
}

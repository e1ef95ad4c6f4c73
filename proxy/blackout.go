package proxy

import (
	"net/http"
	"strings"

	"lockbox/proxy/audit"
	"lockbox/proxy/secret"
)

// stripHeader takes a key that is part of the address out of the addresses that
// the upstream gives: many redirect to the one that they were called with. What
// rewriteHeader has left of it, such as in an address within an address, is
// blacked out.
func (c *call) stripHeader(h http.Header) {
	if !c.route.credential.InURL() {
		return
	}
	for _, name := range []string{"Location", "Content-Location", "Link", "Refresh"} {
		for i, v := range h[name] {
			if name != "Link" {
				v = c.route.credential.Strip(v)
			}
			h[name][i] = c.blackOut(v)
		}
	}
}

// blackOut takes the key out of a header's value, and all of an address's query,
// or all of the address, where the key is in there encoded more than once.
func (c *call) blackOut(v string) string {
	redactor := c.route.redactor.now()
	if t := redactor.Text(v); t != v {
		return t
	}
	if !shows(redactor, v) {
		return v
	}
	address, _, _ := strings.Cut(v, "?")
	if shows(redactor, address) {
		return secret.Redacted
	}
	return address + "?" + secret.Redacted
}

// shows reports whether a secret comes to light when v is decoded over and over.
func shows(redactor *audit.Redactor, v string) bool {
	for range maxEncoding {
		again := decodeOnce(v)
		if again == v {
			return false
		}
		if v = again; redactor.Text(v) != v {
			return true
		}
	}
	return false
}

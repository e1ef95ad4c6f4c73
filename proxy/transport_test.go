package proxy

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"testing"
	"time"
)

func TestMetadata(t *testing.T) {
	for addr, want := range map[string]bool{
		"169.254.169.254":        true,
		"169.254.0.1":            true,
		"::ffff:169.254.169.254": true,
		"64:ff9b::a9fe:a9fe":     true,
		"fe80::1":                true,
		"fe80::a9fe:a9fe%eth0":   true,
		"febf::1":                true,
		"fd00:ec2::254":          true,
		"127.0.0.1":              false,
		"10.0.0.1":               false,
		"192.168.1.1":            false,
		"169.253.255.255":        false,
		"fd00:ec2::253":          false,
		"64:ff9b::0808:0808":     false,
		"2606:4700:4700::1111":   false,
		"8.8.8.8":                false,
	} {
		if got := metadata(netip.MustParseAddr(addr)); got != want {
			t.Errorf("metadata(%s) = %v, want %v", addr, got, want)
		}
	}
	if err := refuseMetadata("tcp", "metadata.google.internal:80", nil); !errors.Is(err, errBlockedAddress) {
		t.Errorf("a name instead of an address: %v", err)
	}
}

// The environment does not decide where credentials go.
func TestNoProxyFromEnvironment(t *testing.T) {
	asked := false
	proxy := upstreamOf(t, func(http.ResponseWriter, *http.Request) { asked = true })
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	t.Setenv("ALL_PROXY", proxy.URL)
	// No loopback address, which a proxy is never asked for.
	l := newLab(t, services("e", open("http://192.0.2.1", `"connect_timeout": 0.2`)))
	if r := get(t, l.url+"/s/e/x"); r.status < 500 || asked {
		t.Errorf("%d, the proxy was asked: %v", r.status, asked)
	}
}

// connect_timeout is one for resolving, dialling and shaking hands together, and
// ends when there is a connection.
func TestConnectTimeoutEndsWithTheConnection(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(250 * time.Millisecond)
		w.WriteHeader(204)
	})
	u := newUpstream(timeouts{connect: 100 * time.Millisecond}, nil)
	for range 2 { // on a new connection, and on a kept one
		res, err := u.RoundTrip(request(t, "GET", up.URL, nil))
		if err != nil || res.StatusCode != 204 {
			t.Fatalf("%v, %v", res, err)
		}
		_ = res.Body.Close()
	}
	if isTimeout(errors.New("x")) || !isTimeout(context.DeadlineExceeded) {
		t.Error("isTimeout")
	}
}

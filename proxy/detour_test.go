package proxy

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// Where the config asks for it, the environment's proxy is used, and still not to
// reach a cloud's metadata.
func TestProxyFromEnvironment(t *testing.T) {
	var asked atomic.Value
	proxy := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.RequestURI + " " + r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusTeapot)
	})
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("http_proxy", "")
	t.Setenv("NO_PROXY", "192.0.2.7")
	text := services(
		"e", open("http://192.0.2.1/v1", `"connect_timeout": 0.3, "credential": {"token": "real-key-0001"}`),
		"meta", open("http://169.254.169.254"), "link", open("http://169.254.7.7", `"allow_link_local": true`))
	l := newLab(t, strings.Replace(text, "{", `{"use_proxy_env": true, `, 1))
	for _, tt := range []struct {
		service string
		status  int
		asked   string
	}{
		{"e", http.StatusTeapot, "http://192.0.2.1/v1/x?y Bearer real-key-0001"},
		{"meta", http.StatusBadGateway, ""},
		{"link", http.StatusTeapot, "http://169.254.7.7/x?y "},
	} {
		asked.Store("")
		if r := get(t, l.url+"/s/"+tt.service+"/x?y"); r.status != tt.status || asked.Load() != tt.asked {
			t.Errorf("%s: %d %s, the proxy was asked for %q; want %d, %q", tt.service, r.status, r.body, asked.Load(), tt.status, tt.asked)
		}
	}
	if u, err := proxyOf(timeouts{proxyEnv: true})(request(t, "GET", "http://192.0.2.7", nil)); u != nil || err != nil {
		t.Errorf("for an address of NO_PROXY: %v, %v", u, err)
	}
	l.reloaded(t, func() { l.text = text })
	if p := l.outward.byTimeouts[timeoutsOf(l.Config().Services["e"], l.Config())].transport.Proxy; p != nil {
		t.Error("there is still a proxy once it is no longer asked for")
	}
}

// What is refused for others is called for a service that may. A UDP socket is
// connected without a packet being sent.
func TestAllowLinkLocal(t *testing.T) {
	l := newLab(t, services(
		"yes", open("http://169.254.7.7:9", `"allow_link_local": true`),
		"no", open("http://169.254.7.7:9")))
	for name, allowed := range map[string]bool{"yes": true, "no": false} {
		up := l.outward.byTimeouts[timeoutsOf(l.Config().Services[name], l.Config())]
		for _, addr := range []string{"169.254.169.254:80", "169.254.7.7:9", "[fd00:ec2::254]:80", "[::ffff:169.254.7.7]:9"} {
			conn, err := up.transport.DialContext(t.Context(), "udp", addr)
			if err == nil {
				_ = conn.Close()
			}
			if errors.Is(err, errBlockedAddress) == allowed {
				t.Errorf("%s, %s: %v", name, addr, err)
			}
		}
	}
	if r := get(t, l.url+"/s/no/x"); r.status != 502 || !strings.Contains(r.body, "allow_link_local") {
		t.Errorf("without leave: %d %s", r.status, r.body)
	}
}

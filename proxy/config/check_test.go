package config

import (
	"strings"
	"testing"
	"time"
)

// TestParseBaseURL has the cases of the Python original's tests, then ours.
func TestParseBaseURL(t *testing.T) {
	tests := []struct{ in, want, fault string }{
		{"https://api.github.com", "https://api.github.com", ""},
		{"http://localhost:8000", "http://localhost:8000", ""},
		{"api.github.com", "https://api.github.com", ""},
		{"https://api.github.com/", "https://api.github.com", ""},
		{"api.github.com/", "https://api.github.com", ""},
		{"https://api.github.com///", "https://api.github.com", ""},
		{"https://api.example.com:8443", "https://api.example.com:8443", ""},
		{"api.example.com:8443", "https://api.example.com:8443", ""},
		{"https://api.example.com/v1", "https://api.example.com/v1", ""},
		{"api.example.com/v1", "https://api.example.com/v1", ""},
		{"localhost:8000", "https://localhost:8000", ""},
		{"http://127.0.0.1:8000", "http://127.0.0.1:8000", ""},
		{"192.168.1.100:8000", "https://192.168.1.100:8000", ""},
		{"ftp://example.com", "", "must begin with"},
		{"", "", "is empty"},
		{"https://", "", "has no host"},
		{"https://user:pass@api.example.com:8443/v1/path", "", "cannot hold a user"}, // the original takes it

		{"  https://a.example/x/ ", "https://a.example/x", ""},
		{"HTTPS://A.example", "https://A.example", ""},
		{"https://a.example/x%2Fy", "https://a.example/x%2Fy", ""},
		{"https://a.example//x", "https://a.example//x", ""},
		{"https://[::1]:8443/v1", "https://[::1]:8443/v1", ""},
		{"[::1]:8443", "https://[::1]:8443", ""},
		{"https://münchen.example", "https://m%C3%BCnchen.example", ""},
		{"https://my_host.internal.", "https://my_host.internal.", ""},
		{"lockbox://demo", "lockbox://demo", ""},
		{"lockbox://demo/", "lockbox://demo", ""},
		{"lockbox://other", "", "knows one lockbox"},
		{"lockbox://demo/x", "", "knows one lockbox"},
		{"lockbox://x@demo", "", "knows one lockbox"},
		{"/", "", "is empty"},
		{"//host", "", "has no valid host"},
		{"http:host", "", "has no host"},
		{"mailto:a@b.example", "", "cannot hold a user"},
		{"javascript:alert(1)", "", "is not a URL"},
		{"file:///etc/passwd", "", "must begin with"},
		{"https://a.example?", "", "cannot have a query"},
		{"https://a.example/?k=v", "", "cannot have a query"},
		{"https://a.example#f", "", "cannot have a query"},
		{"https://a.example:0", "", "has a port"},
		{"https://a.example:65536", "", "has a port"},
		{"https://a.example:", "", "has no valid host"},
		{"https://:443", "", "has no valid host"},
		{"https://a..example", "", "has no valid host"},
		{"https://-a.example", "", "has no valid host"},
		{"https://a.example,b.example", "", "has no valid host"},
		{"https://a.example/%zz", "", "is not a URL"},
		{"https://a.example/x/../y", "", "cannot have . or .."},
		{"https://a.example/x/%2e%2E/y", "", "cannot have . or .."},
		{"https://a.example/x/%252e%252e", "", "cannot have . or .."},
		{"https://a.example/..%2fx", "", "cannot have . or .."},
		{"https://a.example/..;x", "", "cannot have . or .."},
		{"https://a.example/%5c", "", "cannot have . or .."},
		{"https://a.example/%00", "", "cannot have . or .."},
		{`https://a.example\@b.example`, "", "cannot have spaces"},
		{"https://a.example/a b", "", "cannot have spaces"},
		{"https://a.example/\n", "https://a.example", ""},
		{"https://a.exa\nmple", "", "cannot have spaces"},
		{"https://a.example/\xff", "", "cannot have spaces"},
		{"https://" + strings.Repeat("a.", 100) + "example/" + strings.Repeat("x", 2000), "", "is longer"},
		{"https://" + strings.Repeat("a.", 130) + "example", "", "has no valid host"},
	}
	for _, tt := range tests {
		u, warning, err := ParseBaseURL(tt.in)
		if tt.fault != "" {
			if err == nil || !strings.HasPrefix(err.Error(), tt.fault) {
				t.Errorf("ParseBaseURL(%q) = %v, %v; want %q", tt.in, u, err, tt.fault)
			}
			continue
		}
		if err != nil || u.String() != tt.want {
			t.Errorf("ParseBaseURL(%q) = %v, %v; want %q", tt.in, u, err, tt.want)
		}
		if (warning != "") != strings.HasPrefix(tt.want, "http:") {
			t.Errorf("ParseBaseURL(%q) warns %q", tt.in, warning)
		}
	}
}

func TestCheckName(t *testing.T) {
	tests := []struct {
		in string
		ok bool
	}{
		{"github", true}, {"my service", true}, {"日本", true}, {"a.b", true}, {"...", true}, {"_x", true},
		{"50%", true}, {"a%20b", true}, {"a;b", true}, {strings.Repeat("x", 100), true},
		{"", false}, {".", false}, {"..", false}, {"a/b", false}, {`a\b`, false}, {"a\nb", false}, {"a\x00", false},
		{"a\x7f", false}, {"a\u0085", false}, {"a\u202eb", false}, {"%2e%2e", false}, {"%252e", false},
		{"..%2fx", false}, {"..;", false}, {"a%5cb", false}, {"a%00", false}, {"a\xff", false}, {"a\ufffd", false},
		{strings.Repeat("x", 101), false},
	}
	for _, tt := range tests {
		if err := CheckName(tt.in); (err == nil) != tt.ok {
			t.Errorf("CheckName(%q) = %v, want ok %v", tt.in, err, tt.ok)
		}
	}
}

func TestCheckHeaderName(t *testing.T) {
	for _, name := range []string{"X-Api-Key", "authorization", "Cookie", "x_y", "_comment"} {
		if err := CheckHeaderName(name); err != nil {
			t.Errorf("CheckHeaderName(%q) = %v", name, err)
		}
	}
	for _, name := range []string{"", "a b", "X:", "X: " + canary, "é", "a\n", "host", "CONTENT-LENGTH", "Connection", "te", strings.Repeat("x", 101)} {
		if err := CheckHeaderName(name); err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("CheckHeaderName(%q) = %v", name, err)
		}
	}
}

func TestParseTimeout(t *testing.T) {
	tests := []struct {
		in   string
		want time.Duration
		ok   bool
	}{
		{"5", 5 * time.Second, true}, {" 0.5 ", 500 * time.Millisecond, true}, {"", 0, true}, {"  ", 0, true},
		{"0.001", time.Millisecond, true}, {"1e3", 1000 * time.Second, true}, {"8640000", MaxTimeout, true},
		{"0", 0, false}, {"-1", 0, false}, {"5s", 0, false}, {"NaN", 0, false}, {"Inf", 0, false}, {"-Inf", 0, false},
		{"0.0001", 0, false}, {"8640001", 0, false}, {"1e300", 0, false},
	}
	for _, tt := range tests {
		got, err := ParseTimeout(tt.in)
		if (err == nil) != tt.ok || tt.ok && got != tt.want {
			t.Errorf("ParseTimeout(%q) = %v, %v; want %v, ok %v", tt.in, got, err, tt.want, tt.ok)
		}
	}
}

func TestCheckListen(t *testing.T) {
	tests := []struct {
		in           string
		ok, loopback bool
	}{
		{DefaultListen, true, true}, {"localhost:80", true, true}, {"[::1]:0", true, true}, {"127.9.9.9:65535", true, true},
		{"[::ffff:127.0.0.1]:1", true, true}, {":8000", true, false}, {"0.0.0.0:8000", true, false}, {"box.lan:8000", true, false},
		{"localhost.evil.example:80", true, false},
		{"", false, false}, {"127.0.0.1", false, false}, {"127.0.0.1:", false, false}, {"127.0.0.1:http", false, false},
		{"127.0.0.1:65536", false, false}, {"127.0.0.1:-1", false, false}, {"127.0.0.1:+1", false, false}, {"127.0.0.1:01", false, false},
		{"::1:80", false, false}, {"a b:80", false, false}, {"http://127.0.0.1:80", false, false},
	}
	for _, tt := range tests {
		if err := CheckListen(tt.in); (err == nil) != tt.ok {
			t.Errorf("CheckListen(%q) = %v, want ok %v", tt.in, err, tt.ok)
		}
		if got := tt.ok && isLoopback(tt.in); got != tt.loopback {
			t.Errorf("isLoopback(%q) = %v", tt.in, got)
		}
	}
}

func TestCheckAudience(t *testing.T) {
	for _, s := range []string{"zapier", "https://hook.example/x", "日本"} {
		if err := CheckAudience(s); err != nil {
			t.Errorf("CheckAudience(%q) = %v", s, err)
		}
	}
	for _, s := range []string{"", "a\n", "a\xff", strings.Repeat("x", 257)} {
		if CheckAudience(s) == nil {
			t.Errorf("CheckAudience(%q) = nil", s)
		}
	}
}

func TestSuggest(t *testing.T) {
	tests := []struct{ in, want string }{
		{"baseUrl", "base_url"}, {"base-url", "base_url"}, {"BASE_URL", "base_url"}, {"bsae_url", "base_url"}, {"url", "base_url"},
		{"credentials", "credential"}, {"audiences", "valid_audiences"}, {"valid_audience", "valid_audiences"},
		{"rule", "rules"}, {"ratelimit", "rate_limit"}, {"allow_redirect", "allow_redirects"}, {"read_timout", "read_timeout"},
		{"require_service_token", "requires_service_token"},
		{"x", ""}, {"", ""}, {"description", ""}, {strings.Repeat("base_url", 6), ""}, {"\xffase_url", "base_url"},
	}
	for _, tt := range tests {
		if got := suggest(tt.in, serviceKeys); got != tt.want {
			t.Errorf("suggest(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

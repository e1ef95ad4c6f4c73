package proxy

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
)

func TestSafePath(t *testing.T) {
	safe := []string{
		"/", "/a/b", "/a//b", "/a/b/", "/a.b/c..d/...x", "/a/.hidden", "/a/./b", "/..a", "/a..", "/...",
		"/a%2Fb", "/a%2fb%2F", "/a;v=1/b;c", "/a+b", "/100%25", "/100%2525", "/%", "/%zz", "/a%2", "/%E2%82%AC", "/\xe2\x82\xac", "/%C3%A9",
		"/{a}", "/a%20b", "/a%3Fb%23c", "/;..", "/%u20ac", "/@:!$&'()*,=", "/%c0", "/%C0%C1x",
	}
	hostile := []string{
		"/..", "/../x", "/a/../b", "/a/..", "/a/%2e%2e/b", "/a/%2E./b", "/a/.%2e", "/a/%252e%252e/", "/a/%25252e%25252e/x",
		"/a/..;/b", "/a/..;x=1/b", "/a/%2e%2e;/b", "/a/..%3bx/b", "/a/%2e%2e%2fb", "/a%2f..%2fb", "/a%252f..%252fb", "/a/..%3fx", "/a/..%23x", "/a/..%253fx",
		`/a\b`, "/a%5cb", "/a%5Cb", "/a%255cb", "/a/..%5c..", "/a%00", "/a%2500b", "/a\x00",
		"/a/.. /b", "/a/..%20/b", "/a/..%09",
		"/%c0%ae%c0%ae/x", "/%C0%AE./x", "/a%c0%afb", "/a%c1%9cb", "/%e0%80%ae%e0%80%ae", "/%f0%80%80%ae", "/\xc0\xae\xc0\xae",
		"/%u002e%u002e/x", "/%u002e./x", "/a%u005cb", "/a%u002f..", "/%%32%65%%32%65/x", "/%25%32%65%25%32%65/",
		"/" + strings.Repeat("%25", 1) + strings.Repeat("25", 20) + "2e",
	}
	for _, p := range safe {
		if !safePath(p) {
			t.Errorf("safePath(%q) = false", p)
		}
	}
	for _, p := range hostile {
		if safePath(p) {
			t.Errorf("safePath(%q) = true", p)
		}
	}
}

// Nothing that is let through leads out of the base path, however often and by
// whichever decoder it is decoded on the way.
func FuzzSafePath(f *testing.F) {
	for _, s := range []string{"/", "/a/../b", "/a/%2e%2e/b", "/%252e%252e/", "/..;/x", "/a%5c..", "/a/..%2f", "/%u002e.", "/%c0%ae.", "/100%", "/a//b", "/{x}", "/a/..%3f"} {
		f.Add(s)
	}
	const base = "/base/path"
	decoders := map[string]func(string) string{
		"net/url": func(s string) string {
			if d, err := url.PathUnescape(s); err == nil {
				return d
			}
			return s
		},
		"lenient": decodeOnce,
	}
	f.Fuzz(func(t *testing.T, p string) {
		if !strings.HasPrefix(p, "/") || !safePath(p) {
			return
		}
		for name, decode := range decoders {
			for now, i := p, 0; i < 2*maxEncoding; i++ {
				// What a server does that takes backslashes for slashes, cuts
				// parameters, a query or a fragment off, and cleans the rest.
				for _, cut := range []string{"", ";", "?", "#"} {
					var segments []string
					for segment := range strings.SplitSeq(strings.ReplaceAll(now, `\`, "/"), "/") {
						if cut != "" {
							segment, _, _ = strings.Cut(segment, cut)
						}
						segments = append(segments, segment)
					}
					joined := path.Clean(base + strings.Join(segments, "/"))
					if joined != base && !strings.HasPrefix(joined, base+"/") {
						t.Fatalf("%q, decoded %d times (%s, cut at %q), leads to %q", p, i, name, cut, joined)
					}
				}
				now = decode(now)
			}
		}
	})
}

// What a request line may hold never panics, never gets out of its service, and
// arrives byte for byte where it is let through.
func FuzzSetTarget(f *testing.F) {
	for _, s := range []string{"/a", "", "/a%2Fb?x=1;y", "/{a}", "/\xff", "/a?b?c", "/%7e~", "/a?", "/;a=b/"} {
		f.Add(s, "https://api.example.com/v1")
		f.Add(s, "https://api.example.com")
	}
	f.Fuzz(func(t *testing.T, target, baseURL string) {
		base, err := url.Parse(baseURL)
		if err != nil || base.Host == "" || base.RawQuery != "" || base.Fragment != "" || base.ForceQuery || strings.HasSuffix(base.Path, "/") || strings.HasPrefix(base.Path, "//") {
			return
		}
		if target != "" && target[0] != '/' || strings.HasPrefix(target, "//") || strings.Contains(target, "#") {
			return
		}
		in, err := url.ParseRequestURI("/s/x" + target)
		if err != nil {
			return
		}
		rest, _, _ := strings.Cut(target, "?")
		r := &http.Request{URL: in, Host: "127.0.0.1:8000"}
		setTarget(r, base, rest, in.RawQuery, in.ForceQuery)
		want := base.EscapedPath() + target
		if !strings.HasPrefix(want, "/") {
			want = "/" + want
		}
		if got := r.URL.RequestURI(); got != want {
			t.Errorf("target %q on %q is sent as %q, want %q", target, baseURL, got, want)
		}
		if r.URL.Host != base.Host || r.URL.Scheme != base.Scheme || r.Host != "" {
			t.Errorf("target %q on %q goes to %q, Host %q", target, baseURL, r.URL.Host, r.Host)
		}
	})
}

package audit

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lockbox/proxy/secret"
)

const planted = `sk-live/ü"7+3&f9=c27d`

func TestText(t *testing.T) {
	r := NewRedactor(secret.New(planted), secret.New("ab"))
	quoted, _ := json.Marshal(planted)
	tests := []struct{ name, in string }{
		{"plain", planted},
		{"in a sentence", "key is " + planted + "."},
		{"twice", planted + planted},
		{"query escaped", url.QueryEscape(planted)},
		{"path escaped", url.PathEscape(planted)},
		{"JSON", `{"k":` + string(quoted) + `}`},
		{"base64", base64.StdEncoding.EncodeToString([]byte(planted))},
		{"base64, for URLs", base64.URLEncoding.EncodeToString([]byte(planted))},
		{"base64 of user:key", base64.StdEncoding.EncodeToString([]byte("user:" + planted))},
		{"base64 one in", base64.StdEncoding.EncodeToString([]byte("x" + planted + "yz"))},
		{"base64 two in", base64.RawURLEncoding.EncodeToString([]byte("xx" + planted + "y"))},
	}
	for _, tt := range tests {
		got := r.Text(tt.in)
		if !strings.Contains(got, secret.Redacted) || shows(got, planted) {
			t.Errorf("%s: still there in %q", tt.name, got)
		}
	}
	for in, want := range map[string]string{
		"":                   "",
		"nothing to see":     "nothing to see",
		"ab":                 secret.Redacted,
		"cabs are no secret": "cabs are no secret",
	} {
		if got := r.Text(in); got != want {
			t.Errorf("Text(%q) = %q, want %q", in, got, want)
		}
	}
}

// shows reports whether a secret can be had from s: as it is, or through one of
// the usual encodings.
func shows(s, planted string) bool {
	if strings.Contains(s, planted) {
		return true
	}
	for _, decode := range []func(string) (string, error){
		url.QueryUnescape, url.PathUnescape,
		func(s string) (string, error) { b, err := base64.StdEncoding.DecodeString(s); return string(b), err },
		func(s string) (string, error) { b, err := base64.RawURLEncoding.DecodeString(s); return string(b), err },
	} {
		if plain, err := decode(s); err == nil && strings.Contains(plain, planted) {
			return true
		}
	}
	return false
}

func TestWith(t *testing.T) {
	base := NewRedactor(secret.New("the-service-key"))
	both := base.With(secret.New("the-callers-token"))
	text := "the-service-key and the-callers-token"
	if got, want := both.Text(text), "[redacted] and [redacted]"; got != want {
		t.Errorf("both: %q, want %q", got, want)
	}
	if got, want := base.Text(text), "[redacted] and the-callers-token"; got != want {
		t.Errorf("base: %q, want %q", got, want)
	}
	if base.With() != base {
		t.Error("nothing more to know made a new Redactor")
	}
}

func TestHeader(t *testing.T) {
	r := NewRedactor(secret.New(planted))
	in := http.Header{
		"Authorization": {"Bearer x"}, "Cookie": {"a=b"}, "Set-Cookie": {"a=b", "c=d"}, "X-Api-Key": {"k"}, "X-Unknown": {"v"},
		"Content-Type": {"text/plain"}, "User-Agent": {"curl " + planted}, "Accept": {"*/*"},
		"X-Ratelimit-Remaining": {"59"},
		"Location":              {"https://api.example/cb?code=123&state=x#top"},
		"Link":                  {`<https://api.example/r?page=2&access_token=abc>; rel="next"`},
	}
	want := map[string]string{
		"Authorization": "[redacted]", "Cookie": "[redacted]", "Set-Cookie": "[redacted]|[redacted]", "X-Api-Key": "[redacted]", "X-Unknown": "[redacted]",
		"Content-Type": "text/plain", "User-Agent": "curl [redacted]", "Accept": "*/*",
		"X-Ratelimit-Remaining": "59",
		"Location":              "https://api.example/cb?code=[redacted]&state=x#top",
		"Link":                  `<https://api.example/r?page=2&access_token=[redacted]>; rel="next"`,
	}
	got := r.Header(in)
	for name, w := range want {
		if g := strings.Join(got[name], "|"); g != w {
			t.Errorf("%s: %q, want %q", name, g, w)
		}
	}
	if len(got) != len(in) || in.Get("Authorization") != "Bearer x" {
		t.Errorf("%d headers of %d, or the original was changed", len(got), len(in))
	}
	if r.Header(nil) != nil {
		t.Error("no headers became some")
	}
}

func TestQuery(t *testing.T) {
	r := NewRedactor(secret.New("plantedkey"))
	for in, want := range map[string]string{
		"":                                  "",
		"a=1&a=2;b=3":                       "a=1&a=2;b=3",
		"token=x&q=1":                       "token=[redacted]&q=1",
		"API%5Fkey=x":                       "API%5Fkey=[redacted]",
		"lockbox_token=x;code=y;page=2":     "lockbox_token=[redacted];code=[redacted];page=2",
		"&&token=x&":                        "&&token=[redacted]&",
		"q=plantedkey":                      "q=[redacted]",
		"plantedkey":                        "[redacted]",
		"%zz_token=x":                       "%zz_token=[redacted]",
		"X-Amz-Signature=x&encoding=utf8":   "X-Amz-Signature=[redacted]&encoding=utf8",
		"token":                             "token",
		"password=a%26b&x=%70lantedkey&y=1": "password=[redacted]&x=%70lantedkey&y=1",
	} {
		if got := r.Query(in); got != want {
			t.Errorf("Query(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestBody(t *testing.T) {
	r := NewRedactor(secret.New("plantedkey"))
	text := `{"key":"plantedkey","n":1}`
	clean := `{"key":"[redacted]","n":1}`
	gz, zl := packed(t, text, true), packed(t, text, false)
	tests := []struct {
		name     string
		header   http.Header
		captured []byte
		size     int64
		want     Body
	}{
		{"text", nil, []byte(text), 26, Body{Text: clean, Size: 26}},
		{"gzip", http.Header{"Content-Encoding": {"gzip"}}, gz, int64(len(gz)), Body{Text: clean, Size: int64(len(gz))}},
		{"deflate", http.Header{"Content-Encoding": {"deflate"}}, zl, int64(len(zl)), Body{Text: clean, Size: int64(len(zl))}},
		{"brotli is not read", http.Header{"Content-Encoding": {"br"}}, []byte("plantedkey"), 10, Body{Size: 10, Note: "the body is encoded in a way that is not read here, and was not kept"}},
		{"no gzip at all", http.Header{"Content-Encoding": {"gzip"}}, []byte("plantedkey"), 10, Body{Size: 10, Note: "the body could not be unpacked, and was not kept"}},
		{"bytes", nil, []byte("\xff\xfe plantedkey"), 13, Body{Base64: []byte("\xff\xfe [redacted]"), Size: 13}},
		{"a form", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte("password=p&a=1"), 14, Body{Text: "password=[redacted]&a=1", Size: 14}},
		{"a rune cut in two", nil, []byte("0123456789012345678901234567890123456789ü")[:41], 99, Body{Text: "01234567890123456789", Size: 99, Truncated: true}},
	}
	for _, tt := range tests {
		got := r.Body(tt.header, string(tt.captured), tt.size, BodyLimit)
		if tt.name == "a rune cut in two" { // how much goes with it depends on the longest form
			if !got.Truncated || !strings.HasPrefix("0123456789012345678901234567890123456789", got.Text) || got.Text == "" {
				t.Errorf("%s: %+v", tt.name, got)
			}
			continue
		}
		if got.Text != tt.want.Text || !bytes.Equal(got.Base64, tt.want.Base64) || got.Size != tt.want.Size || got.Truncated != tt.want.Truncated || got.Note != tt.want.Note {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// TestCutSecret: a secret across the limit must not leave its first half.
func TestCutSecret(t *testing.T) {
	r := NewRedactor(secret.New("plantedkey"))
	for cut := 1; cut < len("plantedkey"); cut++ {
		captured := strings.Repeat("x", 1000) + "plantedkey"[:cut]
		if got := r.Body(nil, captured, 5000, BodyLimit); strings.Contains(got.Text, "p") {
			t.Errorf("cut after %d: %q", cut, got.Text[900:])
		}
	}
	for after := range 40 { // where what is dropped begins within the secret
		captured := strings.Repeat("x", 1000) + "plantedkey" + strings.Repeat("x", after)
		if got := r.Body(nil, captured, 5000, BodyLimit); strings.Contains(got.Text, "p") {
			t.Errorf("%d after it: %q", after, got.Text[900:])
		}
	}
}

// TestBomb: a small body that unpacks to much is bounded.
func TestBomb(t *testing.T) {
	bomb := packed(t, strings.Repeat("0", 50<<20), true)
	b := NewRedactor().Body(http.Header{"Content-Encoding": {"gzip"}}, string(bomb), int64(len(bomb)), BodyLimit)
	if len(b.Text) > BodyLimit || !b.Truncated {
		t.Errorf("%d bytes kept, truncated %v", len(b.Text), b.Truncated)
	}
}

func packed(t *testing.T, text string, gz bool) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	if gz {
		w := gzip.NewWriter(&b)
		_, err = w.Write([]byte(text))
		_ = w.Close()
	} else {
		w := zlib.NewWriter(&b)
		_, err = w.Write([]byte(text))
		_ = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func FuzzRedactor(f *testing.F) {
	f.Add("sk-live-12345678", "prefix", "suffix")
	f.Add(planted, "", "=")
	f.Add("aaaa", "a", "aa")
	f.Fuzz(func(t *testing.T, key, before, after string) {
		// A key that is a part of [redacted], or of its neighbours, cannot be
		// told from them; and what is no text has no JSON form.
		if len(key) < 8 || strings.Contains(before+secret.Redacted+after+secret.Redacted, key) {
			return
		}
		r := NewRedactor(secret.New(key))
		for _, s := range []string{
			before + key + after,
			base64.StdEncoding.EncodeToString([]byte(before + key + after)),
			base64.RawURLEncoding.EncodeToString([]byte(before + key + after)),
		} {
			if got := r.Text(s); strings.Contains(got, key) || shows(got, key) {
				t.Errorf("%q still in %q", key, got)
			}
		}
	})
}

package guard

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// packer is what all that pack have in common.
type packer interface {
	io.WriteCloser
	Reset(w io.Writer)
}

// packers are by their codings; bare is deflate as some write it.
var packers = func() map[string]packer {
	bare, err := flate.NewWriter(nil, 5)
	if err != nil {
		panic(err)
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	return map[string]packer{"gzip": gzip.NewWriter(nil), "x-gzip": gzip.NewWriter(nil), "deflate": zlib.NewWriter(nil), "bare": bare, "br": brotli.NewWriterLevel(nil, 4), "zstd": z}
}()

// pack applies a Content-Encoding.
func pack(t testing.TB, encoding string, p []byte) []byte {
	t.Helper()
	for coding := range strings.SplitSeq(encoding, ", ") {
		if coding == "" || coding == "identity" {
			continue
		}
		var b bytes.Buffer
		w := packers[coding]
		w.Reset(&b)
		if _, err := w.Write(p); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		p = b.Bytes()
	}
	return p
}

// answerOf is an upstream's answer with that body.
func answerOf(encoding string, packed io.Reader, length int) *http.Response {
	h := http.Header{"Content-Type": {"application/json"}, "Etag": {`"x"`}, "Content-Md5": {"eA=="}, "Vary": {"Accept"}, "Accept-Ranges": {"bytes"}}
	if encoding != "" {
		h["Content-Encoding"] = []string{strings.ReplaceAll(encoding, "bare", "deflate")}
	}
	if length >= 0 {
		h["Content-Length"] = []string{strconv.Itoa(length)}
	}
	return &http.Response{StatusCode: 200, Header: h, Body: io.NopCloser(packed), ContentLength: int64(length)}
}

// plant puts a key into an answer, in the way that n says.
func plant(r *rand.Rand, n int, key string) string {
	noise := func() string { return string(clean(r, r.IntN(300))) }
	quote := func(s string) string {
		j, _ := json.Marshal(s)
		return string(j[1 : len(j)-1])
	}
	b64 := func(enc *base64.Encoding) string {
		return enc.EncodeToString([]byte(strings.Repeat("~", r.IntN(4)) + key + strings.Repeat("?", r.IntN(4))))
	}
	switch n % 12 {
	case 0:
		return noise() + key + noise()
	case 1:
		return `{"key": "` + quote(key) + `", "x": "` + quote(noise()) + `"}`
	case 2:
		return `{"key": "` + strings.ReplaceAll(quote(key), "/", `\/`) + `"}`
	case 3:
		return "Basic " + b64(base64.StdEncoding) + noise()
	case 4:
		return noise() + b64(base64.RawURLEncoding)
	case 5:
		return `{"auth": "Basic ` + strings.ReplaceAll(b64(base64.StdEncoding), "/", `\/`) + `"}`
	case 6:
		return "https://a.example/?key=" + url.QueryEscape(key) + "&x=1"
	case 7:
		return "https://a.example/" + url.PathEscape(key) + "/x"
	case 8:
		return "?next=" + url.QueryEscape("https://a.example/?key="+url.QueryEscape(key)) + noise()
	case 9:
		var b strings.Builder
		for i := range len(key) {
			fmt.Fprintf(&b, "%%%02x", key[i])
		}
		return b.String()
	case 10:
		var b strings.Builder
		for _, c := range key {
			fmt.Fprintf(&b, `\u%04X`, c)
		}
		return noise() + b.String()
	}
	return "?auth=" + url.QueryEscape(b64(base64.StdEncoding))
}

var encodings = []string{"", "gzip", "deflate", "bare", "br", "zstd", "gzip, br", "zstd, deflate, x-gzip", "identity"}

// TestNoMiss plants a key into 10,000 answers.
func TestNoMiss(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	letters := "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./+=~ \"<&é"
	for round := range rounds {
		var b strings.Builder
		for range 8 + r.IntN(60) {
			k := r.IntN(62 + round%2*(len(letters)-64)) // every other key has letters and digits alone
			b.WriteByte(letters[k])
		}
		key := b.String()
		g := New(values(key)...)
		for n := range 100 {
			text := plant(r, n, key)
			if n%10 == 0 {
				text += string(clean(r, 100<<10)) // longer than what is held
			}
			encoding := encodings[r.IntN(len(encodings))]
			packed := pack(t, encoding, []byte(text))
			length := len(packed)
			if r.IntN(2) == 0 {
				length = -1
			}
			found := 0
			res := answerOf(encoding, pieces(string(packed), r, 1+r.IntN(2*len(packed))), length)
			if err := g.Answer(res, true, true, func(where string, n int) {
				if where != InBody {
					t.Errorf("found in %s", where)
				}
				found += n
			}); err != nil {
				t.Fatal(err)
			}
			got := drain(t, res.Body, r, 1+r.IntN(70<<10))
			if err := res.Body.Close(); err != nil {
				t.Fatal(err)
			}
			if found != 1 || g.Has(got) || !strings.Contains(got, Mark) && !strings.Contains(got, "***") && !strings.Contains(got, "[redacted]") {
				t.Fatalf("key %q, placed as in %d, %s, length %d: %d found, and the caller got %.2000q", key, n%12, encoding, length, found, got)
			}
			if res.ContentLength < 0 || len(text) <= MaxHeld {
				if want, _ := g.Text(text); got != want {
					t.Fatalf("got %.300q, want %.300q", got, want)
				}
			}
			if res.Header.Get("Content-Encoding") != "" && res.Header.Get("Content-Encoding") != "identity" {
				t.Errorf("%s is still said to be %s", encoding, res.Header.Get("Content-Encoding"))
			}
			if res.ContentLength >= 0 && (res.ContentLength != int64(len(got)) || res.Header.Get("Content-Length") != strconv.Itoa(len(got))) {
				t.Errorf("length %d and header %q of %d bytes", res.ContentLength, res.Header.Get("Content-Length"), len(got))
			}
		}
	}
}

// TestUntouched: what has no key in it comes as it came, and where it has to be
// unpacked, it says the same.
func TestUntouched(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	g := New(values(testKey)...)
	for _, size := range []int{0, 1, 1000, MaxHeld, MaxHeld + 1, 600 << 10} {
		text := clean(r, size)
		for _, encoding := range encodings {
			for _, known := range []bool{true, false} {
				packed := pack(t, encoding, text)
				length := -1
				if known {
					length = len(packed)
				}
				res := answerOf(encoding, bytes.NewReader(packed), length)
				before := res.Header.Clone()
				if err := g.Answer(res, true, true, func(string, int) { t.Error("found") }); err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(res.Body)
				if err != nil {
					t.Fatalf("%s of %d: %v", encoding, size, err)
				}
				_ = res.Body.Close()
				if encoding == "" || encoding == "identity" || known && len(packed) <= maxPacked {
					if !bytes.Equal(got, packed) || res.ContentLength != int64(length) || fmt.Sprint(res.Header) != fmt.Sprint(before) {
						t.Errorf("%s of %d bytes was changed: %v", encoding, size, res.Header)
					}
					continue
				}
				want := http.Header{"Content-Type": {"application/json"}, "Etag": {`W/"x"`}, "Vary": {"Accept"}}
				if !bytes.Equal(got, text) || res.ContentLength != -1 || fmt.Sprint(res.Header) != fmt.Sprint(want) {
					t.Errorf("%s of %d bytes: %d bytes, header %v, want %v", encoding, size, len(got), res.Header, want)
				}
			}
		}
	}
}

// TestUnreadable: a strict guard holds back what it cannot look at; else it goes
// on as it came.
func TestUnreadable(t *testing.T) {
	g := New(values(testKey)...)
	zipped := string(pack(t, "gzip", []byte("some text")))
	for name, tt := range map[string]struct {
		encoding, body string
		status         int
		why            string
	}{
		"unknown":        {"compress", "abc", 200, `"compress"`},
		"one is unknown": {"gzip, aws-chunked", "abc", 200, `"aws-chunked"`},
		"no gzip":        {"gzip", "some text", 200, "cannot be unpacked"},
		"cut short":      {"gzip", zipped[:len(zipped)-5], 200, "cannot be unpacked"},
		"more after it":  {"gzip", zipped + "x", 200, "cannot be unpacked"},
		"damaged":        {"zstd", "\x28\xb5\x2f\xfd????????????", 200, "cannot be unpacked"},
		"no brotli":      {"br", "some text, or what", 200, "cannot be unpacked"},
		"a part":         {"gzip", zipped[3:], 206, "a part of a packed body"},
		"too many":       {"gzip, gzip, gzip, gzip, gzip", zipped, 200, "5 times over"},
	} {
		t.Run(name, func(t *testing.T) {
			res := answerOf(tt.encoding, strings.NewReader(tt.body), len(tt.body))
			res.StatusCode = tt.status
			err := g.Answer(res, true, true, nil)
			if u := new(Unreadable); !errors.As(err, &u) || !strings.Contains(u.Why, tt.why) {
				t.Errorf("%v, want %q", err, tt.why)
			}
			res = answerOf(tt.encoding, strings.NewReader(tt.body), len(tt.body))
			res.StatusCode = tt.status
			if err := g.Answer(res, true, false, nil); err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(res.Body); string(got) != tt.body || err != nil || res.Header.Get("Content-Encoding") != tt.encoding {
				t.Errorf("%q, %v, %v", got, err, res.Header)
			}
			// In what cannot be read, a key that stands there plainly is found.
			hits := 0
			res = answerOf(tt.encoding, strings.NewReader(tt.body+testKey), len(tt.body+testKey))
			res.StatusCode = tt.status
			if err := g.Answer(res, true, false, func(_ string, n int) { hits += n }); err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(res.Body); g.Has(string(got)) || err != nil || hits != 1 {
				t.Errorf("%q, %v, %d hits", got, err, hits)
			}
		})
	}
}

// TestBrokenBody: a body that breaks off does so for the caller too.
func TestBrokenBody(t *testing.T) {
	g := New(values(testKey)...)
	reset := errors.New("reset")
	for _, encoding := range encodings {
		for _, length := range []int{-1, 3000, 1 << 20} {
			packed := pack(t, encoding, clean(rand.New(rand.NewPCG(1, 1)), 20<<10))
			res := answerOf(encoding, io.MultiReader(bytes.NewReader(packed[:2000]), iotest.ErrReader(reset)), length)
			if err := g.Answer(res, true, false, nil); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(res.Body); err == nil {
				t.Errorf("%s of length %d: it seems to be whole", encoding, length)
			}
			_ = res.Body.Close()
		}
	}
}

// TestAtOnce: what was flushed comes through before there is more.
func TestAtOnce(t *testing.T) {
	g := New(values(testKey)...)
	type flusher interface {
		io.Writer
		Flush() error
	}
	for encoding, writer := range map[string]func(io.Writer) flusher{
		"gzip":    func(w io.Writer) flusher { return gzip.NewWriter(w) },
		"deflate": func(w io.Writer) flusher { return zlib.NewWriter(w) },
		"br":      func(w io.Writer) flusher { return brotli.NewWriter(w) },
		"zstd": func(w io.Writer) flusher {
			z, _ := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
			return z
		},
	} {
		from, to := io.Pipe()
		res := answerOf(encoding, from, -1)
		if err := g.Answer(res, true, false, func(string, int) {}); err != nil {
			t.Fatal(err)
		}
		next := make(chan string)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			w := writer(to)
			for text := range next {
				_, _ = io.WriteString(w, text)
				_ = w.Flush()
			}
			_ = to.Close()
		}()
		for _, tt := range []struct{ sent, got string }{{"data: 1\n\n", "data: 1\n\n"}, {"data: 2\n\n", "data: 2\n\n"}, {"data: " + testKey + "\n\n", "data: " + Mark + "\n\n"}} {
			next <- tt.sent
			p := make([]byte, len(tt.got))
			if _, err := io.ReadFull(res.Body, p); string(p) != tt.got || err != nil {
				t.Errorf("%s: %q, %v, want %q", encoding, p, err, tt.got)
			}
		}
		close(next)
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		<-ended
	}
}

// TestBomb: a small body that becomes a large one is passed on in little memory.
func TestBomb(t *testing.T) {
	g := New(values(testKey)...)
	zeros := make([]byte, maxUnpacked+1<<20)
	for _, encoding := range []string{"gzip", "br", "zstd"} {
		packed := pack(t, encoding, zeros)
		if len(packed) > maxPacked {
			t.Fatalf("%s makes %d bytes", encoding, len(packed))
		}
		res := answerOf(encoding, bytes.NewReader(packed), len(packed))
		if err := g.Answer(res, true, true, nil); err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, res.Body)
		if n != int64(len(zeros)) || err != nil || res.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: %d bytes, %v, %v", encoding, n, err, res.Header)
		}
		_ = res.Body.Close()
	}
}

// TestNoBody: a header alone is looked at alone.
func TestNoBody(t *testing.T) {
	g := New(values("0123456789abcdef")...)
	res := answerOf("gzip", http.NoBody, 100)
	res.Header.Set("Location", "/?key=0123456789abcdef")
	places := ""
	if err := g.Answer(res, false, true, func(where string, n int) { places += fmt.Sprint(where, n) }); err != nil || places != "header1" {
		t.Errorf("%v, found in %q", err, places)
	}
	if res.Header.Get("Location") != "/?key="+Mark || res.Header.Get("Content-Encoding") != "gzip" || res.Header.Get("Content-Length") != "100" {
		t.Errorf("%v", res.Header)
	}
}

func TestAccept(t *testing.T) {
	for _, tt := range []struct{ in, want []string }{
		{nil, nil},
		{[]string{""}, []string{""}},
		{[]string{"gzip, deflate, br, zstd"}, []string{"gzip, deflate, br, zstd"}},
		{[]string{"GZIP;q=0.5,,identity; q=0"}, []string{"GZIP;q=0.5,,identity; q=0"}},
		{[]string{"*;q=0, gzip"}, []string{"*;q=0, gzip"}},
		{[]string{"gzip", "br"}, []string{"gzip", "br"}},
		{[]string{"gzip, dcz, compress;q=0.9"}, []string{"gzip"}},
		{[]string{"compress", "gzip;q=0.1"}, []string{"gzip;q=0.1"}},
		{[]string{"compress"}, []string{"identity"}},
		{[]string{"*"}, []string{"gzip, deflate, br, zstd"}},
		{[]string{"br, *; q=0.1"}, []string{"br, gzip; q=0.1, deflate; q=0.1, zstd; q=0.1"}},
		{[]string{"compress, *;q=0"}, []string{"*;q=0"}},
		{[]string{"*, gzip;q=0"}, []string{"deflate, br, zstd, gzip;q=0"}},
	} {
		if got := Accept(tt.in); !slices.Equal(got, tt.want) {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.want)
		}
	}
	if n := testing.AllocsPerRun(10, func() { Accept([]string{"gzip, deflate, br"}) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

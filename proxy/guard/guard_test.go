package guard

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"lockbox/proxy/secret"
)

const testKey = `sk-proj-4f/9+Qz"é<T3BlbkFJ>&ywJ0~A_b`

func values(texts ...string) []secret.Value {
	var all []secret.Value
	for _, s := range texts {
		all = append(all, secret.New(s))
	}
	return all
}

// naive is what a Guard does to a whole text, by looking for each form
// everywhere.
func naive(text string, secrets ...secret.Value) (string, int) {
	in := make([]bool, len(text)+1)     // the byte is part of a form
	joined := make([]bool, len(text)+1) // and of the same as the one before
	for _, v := range secrets {
		if v.Len() < MinLength {
			continue
		}
		for _, form := range secret.EveryForm(v) {
			for i := 0; len(form) >= MinLength && i+len(form) <= len(text); i++ {
				if text[i:i+len(form)] != form {
					continue
				}
				for k := range len(form) {
					in[i+k] = true
					joined[i+k] = joined[i+k] || k > 0
				}
			}
		}
	}
	var b strings.Builder
	n := 0
	for i := range len(text) {
		switch {
		case !in[i]:
			b.WriteByte(text[i])
		case !joined[i]:
			b.WriteString(Mark)
			n++
		}
	}
	return b.String(), n
}

// pieces reads as if the network had cut a text at random.
func pieces(text string, r *rand.Rand, most int) io.Reader {
	var all []io.Reader
	for text != "" {
		n := min(len(text), 1+r.IntN(most))
		all = append(all, strings.NewReader(text[:n]))
		text = text[n:]
	}
	return io.MultiReader(all...)
}

// drain reads into pieces of random length.
func drain(t testing.TB, from io.Reader, r *rand.Rand, most int) string {
	t.Helper()
	var out []byte
	for {
		p := make([]byte, 1+r.IntN(most))
		n, err := from.Read(p)
		out = append(out, p[:n]...)
		if errors.Is(err, io.EOF) {
			return string(out)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// check holds every way of reading against naive.
func check(t testing.TB, text string, seed uint64, secrets ...secret.Value) {
	t.Helper()
	g := New(secrets...)
	if g == nil {
		return
	}
	want, wantHits := naive(text, secrets...)
	got, hits := g.Text(text)
	if got != want || hits != wantHits {
		t.Fatalf("%q: %q and %d hits, want %q and %d", text, got, hits, want, wantHits)
	}
	if g.Has(text) != (wantHits > 0) {
		t.Fatalf("%q: found is %v", text, g.Has(text))
	}
	if len(secrets) > 1 {
		g = New(secrets[0]).With(secrets[1:]...)
	}
	r := rand.New(rand.NewPCG(seed, 1))
	for _, most := range []int{1, 7, 600, 5000} {
		hits = 0
		leak := func(n int) { hits += n }
		got = drain(t, g.NewReader(pieces(text, r, most), leak), r, 1+r.IntN(2*most))
		if got != want || hits != wantHits {
			t.Fatalf("%q in pieces of up to %d: %q and %d hits, want %q and %d", text, most, got, hits, want, wantHits)
		}
		hits = 0
		got = drain(t, g.NewSized(pieces(text+"more", r, most), int64(len(text)), leak), r, 1+r.IntN(2*most))
		if len(got) != len(text) || hits != wantHits || hits == 0 && got != text || g.Has(got) {
			t.Fatalf("%q sized, in pieces of up to %d: %q and %d hits", text, most, got, hits)
		}
	}
}

func TestReplace(t *testing.T) {
	for _, tt := range []struct {
		secrets, text, want string
	}{
		{"0123456789", "", ""},
		{"0123456789", "0123456789", Mark},
		{"0123456789", "a0123456789b", "a" + Mark + "b"},
		{"0123456789", "012345678", "012345678"},
		{"0123456789", "01234567890123456789", Mark + Mark},
		{"0123456789", "012345678 0123456789", "012345678 " + Mark},
		{"0123456789", "01234567012345678901234567", "01234567" + Mark + "01234567"},
		{"0123456789 6789abcdef", "..0123456789abcdef..", ".." + Mark + ".."},
		{"0123456789 6789abcdef", "..0123456789 6789abcde", ".." + Mark + " 6789abcde"},
		{"user:0123456789 0123456789", "user:0123456789, :0123456789", Mark + ", :" + Mark},
		{"aaaaaaaa", "xaaaaaaaaaaaaaaaaaaaay", "x" + Mark + "y"},
		{"short 0123456789", "short 0123456789", "short " + Mark},
		{"p4$$/word", `{"key":"p4$$\/word"}`, `{"key":"` + Mark + `"}`},
		{"p4$$/word", `?key=p4%24%24%2Fword&x=%7b`, `?key=` + Mark + `&x=%7b`},
		{"p4$$/word", `?key=p4%24%24%2fword`, `?key=` + Mark},
		{"p4$$/word", `\u0070\u0034\u0024\u0024\u002f\u0077\u006f\u0072\u0064`, Mark},
	} {
		secrets := values(strings.Fields(tt.secrets)...)
		if got, _ := New(secrets...).Text(tt.text); got != tt.want {
			t.Errorf("%q in %q: %q, want %q", tt.secrets, tt.text, got, tt.want)
		}
		check(t, tt.text, 7, secrets...)
	}
}

// TestSized: a length that was promised is kept.
func TestSized(t *testing.T) {
	for key, want := range map[string]string{
		"0123456789abcdef0123456789": Mark + "*****",
		"0123456789abcd":             "[redacted]****",
		"01234567":                   "********",
	} {
		text := "x" + key + "y"
		got, err := io.ReadAll(New(secret.New(key)).NewSized(strings.NewReader(text), int64(len(text)), func(int) {}))
		if string(got) != "x"+want+"y" || err != nil {
			t.Errorf("%q: %q, %v, want x%sy", text, got, err, want)
		}
	}
	g := New(secret.New("0123456789abcdef"))
	got, err := io.ReadAll(g.NewSized(strings.NewReader("abc0123456789"), 20, func(int) {}))
	if string(got) != "abc" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q and %v of a text that is cut short in a secret", got, err)
	}
}

// TestHeld: only what may be a secret waits.
func TestHeld(t *testing.T) {
	g := New(secret.New("0123456789abcdef"))
	for _, tt := range []struct{ sent, out string }{
		{"data: x\n\n", "data: x\n\n"},
		{"data: 0", "data: "},
		{"data: 0123456789abcde", "data: "},
		{"data: 0123456789abcdef", "data: " + Mark},
		{"data: 0123456789abcdeX", "data: 0123456789abcdeX"},
	} {
		from, to := io.Pipe()
		go func() { _, _ = to.Write([]byte(tt.sent)) }()
		p := make([]byte, 100)
		n, err := g.NewReader(from, func(int) {}).Read(p)
		if string(p[:n]) != tt.out || err != nil {
			t.Errorf("%q: %q came at once, want %q (%v)", tt.sent, p[:n], tt.out, err)
		}
		_ = from.Close()
	}
}

// TestBrokenOff: an error does not bring out what was held back.
func TestBrokenOff(t *testing.T) {
	g := New(secret.New("0123456789abcdef"))
	failure := errors.New("reset")
	got, err := io.ReadAll(g.NewReader(io.MultiReader(strings.NewReader("abc 0123456789abcde"), iotest.ErrReader(failure)), func(int) {}))
	if string(got) != "abc " || !errors.Is(err, failure) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestHeader(t *testing.T) {
	g := New(secret.New("0123456789abcdef"))
	h := http.Header{"A": {"x", "y 0123456789abcdef z"}, "X-0123456789abcdef": {"a"}, "B": {"0123456789abcdef0123456789abcdef"}}
	if n := g.Header(h); n != 4 || len(h) != 2 || h["A"][1] != "y "+Mark+" z" || h["A"][0] != "x" || h["B"][0] != Mark+Mark {
		t.Errorf("%d in %q", n, h)
	}
	if n := (*Guard)(nil).Header(h); n != 0 {
		t.Error("without a secret there is none to be found")
	}
}

func TestKnows(t *testing.T) {
	g := New(values("0123456789", "short")...)
	for want, v := range map[bool]string{true: "0123456789", false: "9876543210"} {
		if g.Knows(secret.New(v)) != want {
			t.Errorf("%s: known is not %v", v, want)
		}
	}
	if !g.Knows(secret.New("brief"), secret.Value{}) || New(values("short", "")...) != nil || Short(values("short", "", "01234567")...) != 1 {
		t.Error("what is too short is not looked for")
	}
	if s := fmt.Sprintf("%v %+v %s", g, g, g); strings.Contains(s, "0123456789") {
		t.Errorf("it prints as %s", s)
	}
}

// FuzzReader: whatever the secrets and however a text is cut, the outcome is that
// of the whole.
func FuzzReader(f *testing.F) {
	f.Add("0123456789", "01234567", "x01234567%30%31 0123456789", uint64(1))
	f.Add(testKey, "aaaaaaaaa", "aaaaaaaaaaaaaa"+testKey, uint64(2))
	f.Add("abababab", "babababa", "abababababababab", uint64(3))
	f.Fuzz(func(t *testing.T, a, b, text string, seed uint64) {
		if len(a)+len(b) > 200 || len(text) > 2000 {
			return
		}
		secrets := values(a, b)
		check(t, text, seed, secrets...)
		r := rand.New(rand.NewPCG(seed, 2))
		for _, v := range secrets {
			forms := secret.EveryForm(v)
			r.Shuffle(len(forms), func(i, j int) { forms[i], forms[j] = forms[j], forms[i] })
			for _, form := range forms[:min(len(forms), 8)] {
				at := r.IntN(len(text) + 1)
				check(t, text[:at]+form+text[at:], seed, secrets...)
			}
		}
	})
}

// clean makes n bytes of texts in which no secret stands but by chance.
func clean(r *rand.Rand, n int) []byte {
	var b bytes.Buffer
	noise := make([]byte, 3<<10)
	for b.Len() < n {
		for i := range noise {
			noise[i] = byte(r.Uint32())
		}
		switch r.IntN(4) {
		case 0:
			b.Write(noise)
		case 1:
			b.WriteString(base64.StdEncoding.EncodeToString(noise))
		case 2:
			_ = json.NewEncoder(&b).Encode(map[string]any{"id": r.Uint64(), "sk-proj-": string(noise[:200]), "key": "sk-proj-4f/9+", "list": []float64{r.Float64(), r.Float64()}})
		case 3:
			for range 300 {
				b.WriteString([]string{"the ", "key ", "Bearer ", "sk-proj-", "sk-proj-4f%2F9", "é", `\u00e9`, "%20", "\n", "<T3", "BlbkFJ"}[r.IntN(11)])
			}
		}
	}
	return b.Bytes()[:n]
}

// volume is how much other text is looked at; make bench looks at more.
var volume = int64(64 << 20)

// TestNoFalseHit: other text comes out as it was.
func TestNoFalseHit(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	text := clean(r, 16<<20)
	keys := values(testKey, "sk-proj-abcdefghijklmnop", "AKIAIOSFODNN7EXAMPLE", "pa55word")
	g := New(keys...)
	for done := int64(0); done < volume; done += int64(len(text)) {
		// The same text is another one from elsewhere on, with other bytes in it.
		at := r.IntN(len(text))
		text = append(append(make([]byte, 0, len(text)), text[at:]...), text[:at]...)
		for range len(text) / 64 {
			text[r.IntN(len(text))] ^= byte(1 + r.IntN(255))
		}
		hits := 0
		out := bytes.NewBuffer(make([]byte, 0, len(text)))
		if _, err := io.CopyBuffer(struct{ io.Writer }{out}, g.NewReader(bytes.NewReader(text), func(n int) { hits += n }), make([]byte, 32<<10)); err != nil {
			t.Fatal(err)
		}
		if hits > 0 || !bytes.Equal(out.Bytes(), text) {
			t.Fatalf("%d hits after %d MB of other text", hits, done>>20)
		}
	}
}

// TestNoWaste: what has nothing to hide costs no memory.
func TestNoWaste(t *testing.T) {
	g := New(values(testKey)...)
	text := clean(rand.New(rand.NewPCG(3, 4)), 1<<20)
	src := bytes.NewReader(text)
	r, p := g.NewReader(src, nil), make([]byte, 32<<10)
	for range 3 { // what is held once has its place then
		src.Reset(text)
		r.err = nil
		if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r}, p); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(10, func() {
		src.Reset(text)
		r.err = nil
		for r.err == nil {
			if _, err := r.Read(p); err != nil {
				break
			}
		}
		g.Has("text/html; charset=utf-8")
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

var sink int

func BenchmarkFind(b *testing.B) {
	text := clean(rand.New(rand.NewPCG(5, 6)), 64<<10)
	plain := bytes.Repeat([]byte(`{"id": 123456, "name": "An order", "state": "paid", "total": "17.40"}, `), 1000)[:64<<10]
	for _, key := range []string{"pa55word", "0123456789abcdef", "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789", testKey, strings.Repeat("eyJhbGciOiJIUzI1NiJ9.", 20)} {
		g := New(secret.New(key))
		for name, p := range map[string][]byte{"noise": text, "JSON": plain} {
			b.Run(fmt.Sprintf("%s/%d of %d", name, len(g.forms), len(key)), func(b *testing.B) {
				b.SetBytes(int64(len(p)))
				b.ReportAllocs()
				for b.Loop() {
					sink += len(g.find(p, nil)) + g.tail(p)
				}
			})
		}
	}
}

// BenchmarkIndex is the other way: the standard library's search, form by form.
func BenchmarkIndex(b *testing.B) {
	text := clean(rand.New(rand.NewPCG(5, 6)), 64<<10)
	g := New(secret.New("sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		for _, form := range g.forms {
			sink += bytes.Index(text, []byte(form))
		}
	}
}

func BenchmarkNew(b *testing.B) {
	v := secret.New(testKey)
	b.ReportAllocs()
	for b.Loop() {
		sink += len(New(v).forms)
	}
}

func TestOrder(t *testing.T) {
	g := New(values("01234567", "45678901")...)
	found := g.find([]byte("..45678901234567890123"), nil)
	if !slices.IsSortedFunc(found, func(a, b span) int { return a.start - b.start }) || len(found) < 3 {
		t.Errorf("%v", found)
	}
}

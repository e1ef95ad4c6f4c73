package guard

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// frameOf is a frame as RFC 6455 has it.
func frameOf(first byte, text string) string {
	switch n := len(text); {
	case n < 126:
		return string([]byte{first, byte(n)}) + text
	case n < 1<<16:
		return string(binary.BigEndian.AppendUint16([]byte{first, 126}, uint16(n))) + text
	default:
		return string(binary.BigEndian.AppendUint64([]byte{first, 127}, uint64(n))) + text
	}
}

// heard are messages and control frames, read as a caller would: a message where
// it ends, in the form "kind text".
func heard(t *testing.T, stream string) []string {
	t.Helper()
	var all []string
	message, kind := "", byte(0)
	for stream != "" {
		op, fin, n, size := stream[0]&15, stream[0]&128 != 0, int(stream[1]), 2
		switch n {
		case 126:
			n, size = int(binary.BigEndian.Uint16([]byte(stream[2:]))), 4
		case 127:
			n, size = int(binary.BigEndian.Uint64([]byte(stream[2:]))), 10
		}
		text := stream[size : size+n]
		stream = stream[size+n:]
		if op >= 8 {
			all = append(all, string('0'+rune(op))+" "+text)
			continue
		}
		if (op == 0) != (kind != 0) {
			t.Fatalf("a frame of kind %d in a message of kind %d", op, kind)
		}
		if op != 0 {
			kind = op
		}
		message += text
		if fin {
			all = append(all, string('0'+rune(kind))+" "+message)
			message, kind = "", 0
		}
	}
	if kind != 0 {
		all = append(all, "unfinished "+message)
	}
	return all
}

func TestMessages(t *testing.T) {
	const key = "0123456789abcdef"
	g := New(values(key)...)
	r := rand.New(rand.NewPCG(1, 2))
	long := strings.Repeat("x", 100<<10)
	for name, tt := range map[string]struct {
		sent  []string
		heard []string
		hits  int
	}{
		"clean":             {[]string{frameOf(0x81, "hello"), frameOf(0x82, "\x00\xff"), frameOf(0x81, "")}, []string{"1 hello", "2 \x00\xff", "1 "}, 0},
		"a key":             {[]string{frameOf(0x81, `{"key":"`+key+`"}`)}, []string{`1 {"key":"` + Mark + `"}`}, 1},
		"over fragments":    {[]string{frameOf(0x01, "a 0123"), frameOf(0x00, "456789"), frameOf(0x80, "abcdef b")}, []string{"1 a " + Mark + " b"}, 1},
		"a ping in between": {[]string{frameOf(0x02, "a 0123"), frameOf(0x89, "ping"), frameOf(0x80, "456789abcdef b")}, []string{"9 ping", "2 a " + Mark + " b"}, 1},
		"nearly":            {[]string{frameOf(0x01, "a 0123"), frameOf(0x80, "456789abcdeX")}, []string{"1 a 0123456789abcdeX"}, 0},
		"ends early":        {[]string{frameOf(0x81, "a 0123456789abcde"), frameOf(0x81, "f")}, []string{"1 a 0123456789abcde", "1 f"}, 0},
		"empty fragments":   {[]string{frameOf(0x01, ""), frameOf(0x00, ""), frameOf(0x80, key)}, []string{"1 " + Mark}, 1},
		"in a close":        {[]string{frameOf(0x88, "\x03\xe8bad "+key)}, []string{"8 \x03\xe8bad [redacted]******"}, 1},
		"long":              {[]string{frameOf(0x82, long+key+long)}, []string{"2 " + long + Mark + long}, 1},
		"over a border":     {[]string{frameOf(0x02, long+key[:7]), frameOf(0x80, key[7:]+long)}, []string{"2 " + long + Mark + long}, 1},
		"several":           {[]string{frameOf(0x81, key+key), frameOf(0x8a, ""), frameOf(0x82, key)}, []string{"1 " + Mark + Mark, ": ", "2 " + Mark}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			sent := strings.Join(tt.sent, "")
			for _, most := range []int{1, 50, 5000, len(sent)} {
				hits := 0
				got := drain(t, g.NewMessages(pieces(sent, r, most), func(n int) { hits += n }), r, 1+r.IntN(5000))
				all := heard(t, got)
				if strings.Join(all, "|") != strings.Join(tt.heard, "|") || hits != tt.hits {
					t.Errorf("in pieces of up to %d: %.300q and %d hits, want %.300q and %d", most, all, hits, tt.heard, tt.hits)
				}
				if hits == 0 && name == "clean" && got != sent {
					t.Errorf("in pieces of up to %d: frames became others: %q", most, got)
				}
			}
		})
	}
}

// TestMalformed: what cannot be read ends the connection, after what came before.
func TestMalformed(t *testing.T) {
	g := New(values("0123456789abcdef")...)
	for name, bad := range map[string]string{
		"compressed":           frameOf(0xc1, "x"),
		"another extension":    frameOf(0x91, "x"),
		"masked":               "\x81\x81abcdx",
		"reserved kind":        frameOf(0x83, "x"),
		"reserved control":     frameOf(0x8b, "x"),
		"control in pieces":    frameOf(0x09, "x"),
		"long control":         frameOf(0x89, strings.Repeat("x", 126)),
		"goes on with nothing": frameOf(0x80, "x"),
		"begins in another":    frameOf(0x01, "x") + frameOf(0x81, "y"),
		"negative length":      "\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
	} {
		good := frameOf(0x81, "hello")
		got, err := io.ReadAll(g.NewMessages(strings.NewReader(good+bad), func(int) {}))
		if !errors.Is(err, ErrMalformed) || !strings.HasPrefix(string(got), good) || len(got) > len(good)+3 {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	got, err := io.ReadAll(g.NewMessages(strings.NewReader(frameOf(0x81, "hello")+"\x81\x05he"), func(int) {}))
	if string(got) != frameOf(0x81, "hello") || err != nil {
		t.Errorf("cut short: %q, %v", got, err)
	}
}

// finished takes off what was heard what has no end.
func finished(all []string) ([]string, string) {
	if n := len(all) - 1; n >= 0 && strings.HasPrefix(all[n], "unfinished ") {
		return all[:n], strings.TrimPrefix(all[n], "unfinished ")
	}
	return all, ""
}

// FuzzMessages: no bytes make it panic or say more than it heard, and what is
// clean comes as it was said.
func FuzzMessages(f *testing.F) {
	f.Add([]byte(frameOf(0x01, "a 0123")+frameOf(0x89, "x")+frameOf(0x80, "456789abcdef")), uint64(1))
	f.Add([]byte(frameOf(0x82, strings.Repeat("0123456789abcde", 3000))), uint64(2))
	f.Add([]byte(frameOf(0x82, strings.Repeat("0123456789abcde", 3000))[:28900]), uint64(3))
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		g := New(values("0123456789abcdef")...)
		r := rand.New(rand.NewPCG(seed, 1))
		whole, err := io.ReadAll(g.NewMessages(bytes.NewReader(stream), func(int) {}))
		if err != nil {
			return
		}
		parts := drain(t, g.NewMessages(pieces(string(stream), r, 9), func(int) {}), r, 9)
		a, unfinishedA := finished(heard(t, string(whole)))
		b, unfinishedB := finished(heard(t, parts))
		if !slices.Equal(a, b) {
			t.Fatalf("%q at once, %q in pieces", a, b)
		}
		// Of a frame that has no end not all may have gone out.
		if !strings.HasPrefix(unfinishedA, unfinishedB) && !strings.HasPrefix(unfinishedB, unfinishedA) {
			t.Fatalf("%q at once, %q in pieces", unfinishedA, unfinishedB)
		}
		for _, m := range heard(t, string(whole)) {
			if g.Has(m) {
				t.Fatalf("%q has the key", m)
			}
		}
	})
}

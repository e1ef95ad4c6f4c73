package guard

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// readable are the content codings that are read, as upstreams are told of them.
var readable = []string{"gzip", "deflate", "br", "zstd", "x-gzip", "identity"}

const (
	maxCodings = 4       // one upon the other
	maxWindow  = 8 << 20 // of a zstd frame, as RFC 9659 has it
)

// codings are those of an answer that are to be undone, in their order.
func codings(h http.Header) []string {
	var all []string
	for _, v := range h["Content-Encoding"] {
		for c := range strings.SplitSeq(v, ",") {
			if c = strings.ToLower(strings.TrimSpace(c)); c != "" && c != "identity" {
				all = append(all, c)
			}
		}
	}
	return all
}

// unknown is what cannot be read of codings, "" if all of it can.
func unknown(codings []string) string {
	for _, c := range codings {
		if !slices.Contains(readable, c) {
			return fmt.Sprintf("has the Content-Encoding %.40q, which is not one that can be read", c)
		}
	}
	if len(codings) > maxCodings {
		return fmt.Sprintf("is encoded %d times over", len(codings))
	}
	return ""
}

// decoder undoes codings. It reads nothing before it is read from, and all of
// what it reads from before it ends.
type decoder struct {
	codings []string
	packed  *bufio.Reader
	plain   io.Reader // nil before the first read
	closes  []func()
}

func newDecoder(codings []string, packed io.Reader) *decoder {
	return &decoder{codings: codings, packed: bufio.NewReaderSize(packed, 16<<10)}
}

var errAfterEnd = errors.New("there is more after the end of what is packed")

// Read implements io.Reader.
func (d *decoder) Read(p []byte) (int, error) {
	if d.plain == nil {
		// Where nothing was packed there is nothing.
		if _, err := d.packed.Peek(1); err != nil {
			return 0, err
		}
		var from io.Reader = d.packed
		for i := len(d.codings) - 1; i >= 0; i-- {
			next, err := d.undo(d.codings[i], from)
			if err != nil {
				return 0, broken(err)
			}
			from = next
		}
		d.plain = from
	}
	n, err := d.plain.Read(p)
	switch {
	case err == nil:
		return n, nil
	case !errors.Is(err, io.EOF):
		return n, broken(err)
	}
	if _, err := d.packed.Peek(1); err == nil {
		return n, errAfterEnd
	} else if !errors.Is(err, io.EOF) {
		return n, err
	}
	return n, io.EOF
}

// broken is an error of what is packed, which has to end where it says: an end
// before that is none.
func broken(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (d *decoder) undo(coding string, from io.Reader) (io.Reader, error) {
	switch coding {
	case "gzip", "x-gzip":
		return gzip.NewReader(from)
	case "deflate": // zlib by RFC 9110, bare deflate by habit
		br := bufio.NewReader(from)
		if head, err := br.Peek(2); err != nil {
			return nil, err
		} else if head[0]&15 == 8 && (int(head[0])<<8|int(head[1]))%31 == 0 {
			return zlib.NewReader(br)
		}
		return flate.NewReader(br), nil
	case "br":
		return brotli.NewReader(from), nil
	case "zstd":
		z, err := zstd.NewReader(from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		d.closes = append(d.closes, z.Close)
		return z, nil
	}
	return nil, errors.New("an unknown coding") // unknown has seen to it
}

func (d *decoder) close() {
	for _, f := range d.closes {
		f()
	}
	d.closes = nil
}

// Accept narrows an Accept-Encoding to what can be read. Without one an upstream
// sends what everybody can.
func Accept(values []string) []string {
	if !narrow(values) {
		return values
	}
	var kept, named []string
	others := ""
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
			name = strings.ToLower(strings.TrimSpace(name))
			switch {
			case name == "*" && !refused(weight):
				kept, others = append(kept, "*"), strings.TrimSpace(part)[1:]
			case name == "*", slices.Contains(readable, name):
				kept, named = append(kept, strings.TrimSpace(part)), append(named, name)
			}
		}
	}
	if i := slices.Index(kept, "*"); i >= 0 { // all that is not named
		var rest []string
		for _, name := range readable[:4] {
			if !slices.Contains(named, name) {
				rest = append(rest, name+others)
			}
		}
		kept = slices.Replace(kept, i, i+1, rest...)
	}
	if len(kept) == 0 {
		kept = []string{"identity"}
	}
	return []string{strings.Join(kept, ", ")}
}

// narrow reports whether an Accept-Encoding has to become narrower.
func narrow(values []string) bool {
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			name, weight, _ := strings.Cut(part, ";")
			name = strings.ToLower(strings.TrimSpace(name))
			if name == "*" && !refused(weight) || name != "" && name != "*" && !slices.Contains(readable, name) {
				return true
			}
		}
	}
	return false
}

// refused reports whether a weight is 0 (RFC 9110, section 12.4.2).
func refused(weight string) bool {
	q, ok := strings.CutPrefix(strings.ToLower(strings.ReplaceAll(weight, " ", "")), "q=")
	return ok && q != "" && strings.Trim(q, "0.") == ""
}

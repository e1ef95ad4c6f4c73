package proxy

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"net/http"
	"strings"
	"unsafe"

	"lockbox/proxy/audit"
)

// capture keeps the beginning of a body and counts all of it.
type capture struct {
	head  strings.Builder
	lent  string // a whole body, in the place of head: the memory is another's
	size  int64
	limit int
	sum   hash.Hash // of all of it, once that is more than limit; nil before
	omit  bool      // count only
}

func (c *capture) add(p []byte) {
	c.size += int64(len(p))
	if c.omit {
		return
	}
	if c.lent != "" { // it was not whole after all
		c.head.WriteString(c.lent)
		c.lent = ""
	}
	room := min(c.limit-c.head.Len(), len(p))
	if room > 0 {
		c.head.Write(p[:room])
		p = p[room:]
	}
	if len(p) == 0 {
		return
	}
	if c.sum == nil {
		c.sum = sha256.New()
		c.sum.Write([]byte(c.head.String()))
	}
	c.sum.Write(p)
}

// lend is add for a body that comes in one piece, which stays as it is until the
// record is done: to copy each is much of what a record costs.
func (c *capture) lend(p []byte) {
	if c.size > 0 || c.omit || len(p) > c.limit {
		c.add(p)
		return
	}
	c.size, c.lent = int64(len(p)), unsafe.String(unsafe.SliceData(p), len(p)) //nolint:gosec // p is not written to before the record is done
}

// text is what was captured.
func (c *capture) text() string {
	if c.lent != "" {
		return c.lent
	}
	return c.head.String()
}

// recorded is what was captured of a body, redacted.
func recorded(redactor *audit.Redactor, h http.Header, part *capture) *audit.Body {
	switch {
	case part.omit:
		return &audit.Body{Size: part.size, Note: "WebSocket messages are not recorded"}
	case part.size == 0:
		return nil
	}
	b := redactor.Body(h, part.text(), part.size, part.limit)
	if part.sum != nil {
		b.SHA256 = hex.EncodeToString(part.sum.Sum(nil))
	}
	return b
}

package guard

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// What is held back of an answer, all of it if it comes soon, before any of it
// goes out.
const (
	// MaxHeld is of a body as it is: with a secret in it, it gets another length.
	// In a longer one each secret's place is filled, and its length stays.
	MaxHeld = 32 << 10
	// maxPacked is of a packed body, which is looked at and then sent as it came. A
	// longer one, or one of unknown length, is sent on unpacked.
	maxPacked = 256 << 10
	// maxUnpacked is how much may come of what is held: a body of more is sent on
	// unpacked, as fast as the caller takes it.
	maxUnpacked = 16 << 20
)

// Unreadable is why a strict guard lets an answer not pass.
type Unreadable struct {
	Why string // what the answer does or has
}

// Error implements error.
func (u *Unreadable) Error() string { return "the answer " + u.Why }

// Found is told of secrets that were found: how many, and where.
type Found func(where string, n int)

// The places where secrets are found.
const (
	InHeader  = "header"
	InBody    = "body"
	InTrailer = "trailer"
	InMessage = "message" // of a WebSocket
)

// Answer has an answer go on without the secrets. hasBody says whether a body
// comes with it. The error is an *Unreadable, and comes with strict alone: else
// what cannot be read is looked through as it is.
func (g *Guard) Answer(res *http.Response, hasBody, strict bool, found Found) error {
	if n := g.Header(res.Header); n > 0 {
		found(InHeader, n)
	}
	if !hasBody || res.ContentLength == 0 || res.Body == nil || res.Body == http.NoBody {
		return nil
	}
	if len(res.Trailer) > 0 {
		// They come with the end, which has to be read.
		res.ContentLength = -1
	}
	a := &answer{guard: g, res: res, in: func(n int) { found(InBody, n) }}
	packed := codings(res.Header)
	if len(packed) == 0 {
		a.plain()
		return nil
	}
	why := unknown(packed)
	if why == "" && res.StatusCode == http.StatusPartialContent {
		why = "is a part of a packed body, which cannot be unpacked"
	}
	if why == "" {
		why = a.unpack(packed)
	}
	switch {
	case why == "":
	case strict:
		return &Unreadable{why}
	default:
		a.plain()
	}
	return nil
}

// answer is one that is being looked at.
type answer struct {
	guard *Guard
	res   *http.Response
	in    func(n int) // told of what is found in the body
}

// body is what a Response's Body becomes.
type body struct {
	io.Reader
	close func() error
}

// Close implements io.Closer.
func (b *body) Close() error { return b.close() }

// closing ends what is held of a body along with it.
func closing(raw io.Closer, h *held) func() error {
	return func() error {
		err := raw.Close()
		h.close()
		return err
	}
}

// plain looks through a body as it is.
func (a *answer) plain() {
	res := a.res
	raw := res.Body
	switch {
	case res.ContentLength < 0:
		res.Body = &body{a.guard.NewReader(raw, a.in), raw.Close}
	case res.ContentLength > MaxHeld, res.StatusCode == http.StatusPartialContent: // a part's place is in the header
		res.Body = &body{a.guard.NewSized(raw, res.ContentLength, a.in), raw.Close}
	default:
		h := hold(raw, res.ContentLength)
		if !h.wait() {
			res.Body = &body{a.guard.NewSized(h, res.ContentLength, a.in), closing(raw, h)}
			return
		}
		out, n := a.guard.Bytes(h.buf)
		if n > 0 {
			a.in(n)
			Changed(res.Header)
			res.ContentLength = int64(len(out))
			res.Header.Set("Content-Length", strconv.Itoa(len(out)))
		}
		res.Body = &body{bytes.NewReader(out), raw.Close}
	}
}

// unpack looks through a packed body, or says why it cannot.
func (a *answer) unpack(codings []string) (why string) {
	res := a.res
	raw := res.Body
	var packed io.Reader = raw
	end := raw.Close
	if n := res.ContentLength; n >= 0 && n <= maxPacked {
		h := hold(raw, n)
		packed, end = h, closing(raw, h)
		if h.wait() {
			leaks, err := a.leaks(codings, h.buf)
			if err != nil || !leaks {
				res.Body = &body{h, end}
			}
			if err != nil {
				return "cannot be unpacked: " + err.Error()
			} else if !leaks {
				return ""
			}
		}
	}
	d := newDecoder(codings, packed)
	res.Body = &body{a.guard.NewReader(d, a.in), func() error {
		err := end()
		d.close()
		return err
	}}
	res.ContentLength = -1
	res.Header.Del("Content-Encoding")
	res.Header.Del("Content-Length")
	res.Header.Del("Accept-Ranges") // they would be of the packed body
	Changed(res.Header)
	return ""
}

// leaks reports whether a secret is in what was packed, or may be: there is too
// much of it to say. It is looked at in little memory.
func (a *answer) leaks(codings []string, packed []byte) (bool, error) {
	d := newDecoder(codings, bytes.NewReader(packed))
	defer d.close()
	leaks, all := false, int64(0)
	r := a.guard.NewReader(d, func(int) { leaks = true })
	p := make([]byte, 16<<10)
	for {
		n, err := r.Read(p)
		all += int64(n)
		switch {
		case leaks || all > maxUnpacked:
			return true, nil
		case errors.Is(err, io.EOF):
			return false, nil
		case err != nil:
			return false, err
		}
	}
}

// Changed takes out of a header what was true of the body that came only.
func Changed(h http.Header) {
	for name := range h {
		switch name {
		case "Content-Md5", "Digest", "Content-Digest", "Repr-Digest", "X-Goog-Hash":
			delete(h, name)
		default:
			if strings.HasPrefix(name, "X-Amz-Checksum-") {
				delete(h, name)
			}
		}
	}
	if tag := h.Get("Etag"); strings.HasPrefix(tag, `"`) {
		h.Set("Etag", "W/"+tag)
	}
}

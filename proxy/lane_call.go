package proxy

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"lockbox/proxy/guard"
)

// lanePiece is how much of a body goes through at a time, in bytes.
const lanePiece = 64 << 10

var lanePieces = sync.Pool{New: func() any { p := make([]byte, 0, lanePiece); return &p }}

// laneCall is a plain call under way.
type laneCall struct {
	*laneConn
	call
	to     *plainRoute
	target string // the path below the service and the query, as they came
	up     *laneUpstream
	out    []byte // what is about to be sent, to either side

	begun    bool          // the answer's head was sent
	last     bool          // it says that the connection ends with the answer
	uploaded chan struct{} // closed when the upstream has the body, whole
	done     atomic.Bool   // the answer is over: what fails now is of no account
	gone     atomic.Bool   // the caller is
	badBody  atomic.Bool   // the caller did not send all of it
	aside    bool          // the answer's body may be read by another goroutine
}

// carry sends the request, and the answer back.
func (x *laneCall) carry() verdict {
	piece := lanePieces.Get().(*[]byte)
	x.out = (*piece)[:0]
	defer func() { *piece = x.out[:0]; lanePieces.Put(piece) }()

	up, err := x.to.pool.get(x.in.Context())
	if err != nil {
		return x.fail(err)
	}
	x.up = up
	x.talking.Store(up)
	err = x.send()
	whole := false
	if err == nil {
		whole, err = x.receive()
	}
	uploaded := x.hasBodySoon()
	x.done.Store(true)
	if !uploaded {
		_ = up.nc.Close() // the rest of the body may be stuck on its way there
	}
	x.unwatch()
	x.talking.Store(nil)
	if whole && err == nil && uploaded {
		x.to.pool.put(up)
	} else {
		_ = up.nc.Close()
		upstreamReaders.put(up.br)
	}
	if err != nil {
		return x.fail(err)
	}
	if !uploaded {
		return x.linger()
	}
	if x.last {
		return closeNow
	}
	return keepOpen
}

// closed is the uploaded of bodies that went with their head.
var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// hasBodySoon reports whether the upstream has the whole body, or gets the last
// of it in a moment: its answer may be here before we know.
func (x *laneCall) hasBodySoon() bool {
	switch {
	case x.req.Length <= 0:
		return true
	case x.uploaded == nil:
		return false // nothing was sent
	}
	select {
	case <-x.uploaded:
		return true
	default:
	}
	select {
	case <-x.uploaded:
		return true
	case <-time.After(patience):
		return false
	}
}

// send writes the request's head, and the body with it if it is there already.
// Otherwise the body follows from another goroutine, since the upstream may
// answer before it has all of it.
func (x *laneCall) send() error {
	x.head()
	length := max(x.req.Length, 0)
	if buffered := int64(x.br.Buffered()); length <= buffered {
		body, _ := x.br.Peek(int(length)) // it is in the buffer
		x.rec.fromCaller(body)
		x.out = append(x.out, body...)
		_, _ = x.br.Discard(len(body)) // it is in the buffer
		x.uploaded = closed
		x.up.begin(time.Now(), x.to.within, func() { x.watch(x.leave) })
		_, err := x.up.Write(x.out)
		return err
	}
	if _, err := x.up.Write(x.out); err != nil {
		return err
	}
	watched := make(chan struct{})
	x.watched, x.uploaded = watched, make(chan struct{})
	x.up.beginStream()
	go func() {
		defer close(watched)
		x.stream(length)
	}()
	return nil
}

// stream sends the body as it comes, and then watches the caller.
func (x *laneCall) stream(left int64) {
	piece := lanePieces.Get().(*[]byte)
	defer lanePieces.Put(piece)
	buf := (*piece)[:lanePiece]
	for left > 0 {
		x.readWithin(time.Now(), x.server.stall)
		n, err := x.br.Read(buf[:min(left, lanePiece)])
		x.rec.fromCaller(buf[:n])
		left -= int64(n)
		if n > 0 {
			if _, err := x.up.Write(buf[:n]); err != nil {
				return // the upstream has had enough: its answer says why
			}
		}
		if err != nil && left > 0 {
			if !x.done.Load() {
				x.badBody.Store(true)
				_ = x.up.nc.Close()
			}
			return
		}
	}
	close(x.uploaded)
	x.up.expect(x.to.within)
	_ = x.nc.SetReadDeadline(time.Time{}) // fails with the connection
	if !x.done.Load() {
		x.look(x.leave)
	}
}

// leave ends the call because the caller is gone.
func (x *laneCall) leave() {
	if !x.done.Load() {
		x.gone.Store(true)
		_ = x.up.nc.Close()
	}
}

// head writes the request's head as the upstream gets it.
func (x *laneCall) head() {
	b := append(x.out, x.in.Method...)
	b = append(b, ' ')
	b = append(b, x.to.path...)
	if x.to.path == "" && (x.target == "" || x.target[0] == '?') {
		b = append(b, '/')
	}
	b = append(b, x.target...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, x.to.host...)
	b = append(b, "\r\n"...)
	for i := range x.req.Fields {
		f := &x.req.Fields[i]
		if f.Name == "Accept-Encoding" && x.guard != nil {
			b = x.accepted(b, i)
			continue
		}
		if f.Name == "Connection" || f.Name == "Proxy-Authenticate" || x.drops(f.Name, x.in.Header[f.Name]) {
			continue
		}
		b = appendField(b, f.Name, f.Value)
	}
	if x.req.Length < 0 && (x.in.Method == http.MethodPost || x.in.Method == http.MethodPut || x.in.Method == http.MethodPatch) {
		b = append(b, "Content-Length: 0\r\n"...) // RFC 9110, section 8.6
	}
	b = append(b, x.to.fields...)
	x.out = append(b, "\r\n"...)
}

// accepted adds the codings of answers that the guard can read, in the place of the
// first field that has what the caller can.
func (x *laneCall) accepted(b []byte, i int) []byte {
	const name = "Accept-Encoding"
	if x.req.Fields.First(i) {
		for _, v := range guard.Accept(x.in.Header[name]) {
			b = appendField(b, name, v)
		}
	}
	return b
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

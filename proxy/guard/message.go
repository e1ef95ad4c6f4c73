package guard

import (
	"encoding/binary"
	"errors"
	"io"
)

// ErrMalformed ends a WebSocket whose upstream does not keep to RFC 6455, or uses
// extensions that it was not offered: what it sends cannot be looked at.
var ErrMalformed = errors.New("a frame of the WebSocket is malformed")

const (
	// wholeFrame is up to where a frame is waited for, to go on as one.
	wholeFrame = 16 << 10
	maxControl = 125 // bytes in a control frame
	maxHeader  = 10  // bytes of a header without a mask

	opContinue = 0x0
	opBinary   = 0x2
	opControl  = 0x8
	opPong     = 0xa

	finBit  = 0x80
	maskBit = 0x80
)

// Messages are what an upstream says on a WebSocket (RFC 6455), less the secrets
// in it. A message that it sends in pieces is looked at as one.
type Messages struct {
	from  io.Reader
	guard *Guard
	leak  func(n int)

	in    []byte // was read, and is not looked at yet
	room  []byte
	out   []byte // is ready
	spare []byte
	err   error

	first  byte  // what the next frame of this message begins with: its kind, or opContinue once one is out
	open   bool  // a message is under way
	final  bool  // the frame under way is its last one
	left   int64 // of the frame under way
	frame  bool  // one is under way
	filter filter
	held   []byte
	text   []byte
	found  []span
}

// NewMessages replaces the secrets in what from says. leak is called with the
// number of those found.
func (g *Guard) NewMessages(from io.Reader, leak func(n int)) *Messages {
	return &Messages{from: from, guard: g, leak: leak, room: make([]byte, 2*wholeFrame)}
}

// Read implements io.Reader.
func (m *Messages) Read(p []byte) (int, error) {
	for len(m.out) == 0 {
		if m.err != nil {
			return 0, m.err
		}
		// What is not looked at yet is less than half of the room.
		n := copy(m.room, m.in)
		k, err := m.from.Read(m.room[n:])
		m.in, m.err = m.room[:n+k], err
		m.out = m.spare[:0]
		if fault := m.pass(); fault != nil {
			m.err = fault
		}
		m.spare = m.out
	}
	n := copy(p, m.out)
	m.out = m.out[n:]
	return n, nil
}

// pass takes the frames that are there, as far as they are.
func (m *Messages) pass() error {
	for {
		if !m.frame {
			done, err := m.begin()
			if err != nil || !done {
				return err
			}
		}
		if !m.frame {
			continue
		}
		if m.left > int64(len(m.in)) && (m.left <= wholeFrame || len(m.in) == 0) {
			return nil
		}
		n := int(min(m.left, int64(len(m.in))))
		m.payload(m.in[:n])
		m.in = m.in[n:]
	}
}

// begin reads a header, or all of a control frame. done is false where not all of
// that is there.
func (m *Messages) begin() (done bool, err error) {
	if len(m.in) < 2 {
		return false, nil
	}
	if m.malformed() {
		return false, ErrMalformed
	}
	op, fin := m.in[0]&0x0f, m.in[0]&finBit != 0
	length, size := int64(m.in[1]), 2
	switch length {
	case 126:
		size = 4
	case 127:
		size = maxHeader
	}
	if len(m.in) < size {
		return false, nil
	}
	switch size {
	case 4:
		length = int64(binary.BigEndian.Uint16(m.in[2:]))
	case maxHeader:
		if length = int64(binary.BigEndian.Uint64(m.in[2:])); length < 0 { //nolint:gosec // which is what is looked for
			return false, ErrMalformed
		}
	}
	if op&opControl != 0 {
		end := size + int(length)
		if len(m.in) < end {
			return false, nil
		}
		m.control(m.in[:end])
		m.in = m.in[end:]
		return true, nil
	}
	m.in = m.in[size:]
	if !m.open {
		m.first, m.open, m.filter, m.held = op, true, filter{}, m.held[:0]
	}
	m.frame, m.final, m.left = true, fin, length
	return true, nil
}

// malformed judges the first two bytes of a header.
func (m *Messages) malformed() bool {
	op, fin := m.in[0]&0x0f, m.in[0]&finBit != 0
	switch control := op&opControl != 0; {
	case m.in[0]&0x70 != 0, m.in[1]&maskBit != 0: // bits of extensions; masked
		return true
	case control:
		return op > opPong || !fin || m.in[1] > maxControl
	default:
		return op > opBinary || m.open != (op == opContinue)
	}
}

// control passes a frame at once, in between the pieces of a message. The length
// stays: there may be no room for more.
func (m *Messages) control(frame []byte) {
	var f filter
	if n := f.blot(frame[2:], len(frame)-2, m.guard.find(frame[2:], m.found[:0])); n > 0 {
		m.leak(n)
	}
	m.out = append(m.out, frame...)
}

// payload passes bytes of a message.
func (m *Messages) payload(p []byte) {
	m.left -= int64(len(p))
	m.frame = m.left > 0
	end := m.final && !m.frame
	text := p
	if len(m.held) > 0 {
		m.text = append(append(m.text[:0], m.held...), p...)
		text = m.text
	}
	m.found = m.guard.find(text, m.found[:0])
	ready := len(text)
	if !end {
		ready = m.guard.tail(text)
	}
	out := text[:ready]
	if len(m.found) > 0 || m.filter.covered > 0 {
		var n int
		out, n = m.filter.replace(nil, text, ready, m.found)
		if n > 0 {
			m.leak(n)
		}
	}
	if len(out) > 0 || end {
		m.emit(out, end)
	}
	m.held = append(m.held[:0], text[ready:]...)
	m.open = !end
}

// emit adds a frame to what is ready.
func (m *Messages) emit(p []byte, end bool) {
	first := m.first
	if end {
		first |= finBit
	}
	m.first = opContinue
	switch n := len(p); {
	case n <= maxControl:
		m.out = append(m.out, first, byte(n))
	case n < 1<<16:
		m.out = binary.BigEndian.AppendUint16(append(m.out, first, 126), uint16(n)) //nolint:gosec // just compared
	default:
		m.out = binary.BigEndian.AppendUint64(append(m.out, first, 127), uint64(n))
	}
	m.out = append(m.out, p...)
}

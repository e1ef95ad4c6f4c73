package tunnel

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
)

// The frames of muxado, github.com/ngrok-oss/muxado: three bytes of length, four
// bits of type and four of flags, four bytes of the stream's number, and as many
// bytes as the length says. A typed stream begins with a frame of four bytes, its
// type. A request is one frame of JSON after that.
const (
	frameHead  = 8
	frameData  = 1
	flagSyn    = 2
	typeLength = 4
	typeBind   = 1
)

// forwardsTo is what ngrok's dashboard shows in the place of what the SDK says.
const forwardsTo = "lockbox"

var errBind = errors.New("a bind cannot be read, so it is not sent")

// discreet is the way to ngrok: what is written passes, but for what a bind says of
// where it forwards to.
type discreet struct {
	w     io.Writer
	out   []byte // of what is being written
	head  []byte
	body  []byte          // of a frame that is looked at
	left  int             // bytes to come of the frame
	keep  bool            // it is looked at
	binds map[uint32]bool // streams whose request comes next
}

// Write implements io.Writer.
func (d *discreet) Write(p []byte) (int, error) {
	size := len(p)
	d.out = d.out[:0]
	for len(p) > 0 {
		if len(d.head) < frameHead {
			n := min(frameHead-len(d.head), len(p))
			d.head, p = append(d.head, p[:n]...), p[n:]
			if len(d.head) < frameHead {
				break
			}
			d.begin()
		}
		n := min(d.left, len(p))
		if d.keep {
			d.body = append(d.body, p[:n]...)
		} else {
			d.out = append(d.out, p[:n]...)
		}
		p, d.left = p[n:], d.left-n
		if d.left > 0 {
			break
		}
		if err := d.end(); err != nil {
			return 0, err
		}
	}
	if _, err := d.w.Write(d.out); err != nil {
		return 0, err
	}
	return size, nil
}

func (d *discreet) stream() uint32 { return binary.BigEndian.Uint32(d.head[4:]) }

// begin looks at a frame's head.
func (d *discreet) begin() {
	d.left = int(d.head[0])<<16 | int(d.head[1])<<8 | int(d.head[2])
	data := d.head[3]>>4 == frameData
	first := data && d.head[3]&flagSyn != 0 && d.left == typeLength
	d.keep = first || data && d.binds[d.stream()] && d.left > 0
	d.body = d.body[:0]
	if !d.keep {
		d.out = append(d.out, d.head...)
	}
}

// end sends a frame that was looked at.
func (d *discreet) end() error {
	defer func() { d.head = d.head[:0] }()
	if !d.keep {
		return nil
	}
	body := d.body
	if d.binds[d.stream()] {
		delete(d.binds, d.stream())
		var bind map[string]json.RawMessage
		if json.Unmarshal(body, &bind) != nil || bind["ForwardsTo"] == nil {
			return errBind
		}
		bind["ForwardsTo"] = json.RawMessage(`"` + forwardsTo + `"`)
		var err error
		if body, err = json.Marshal(bind); err != nil {
			return err
		}
		n := len(body)
		d.head[0], d.head[1], d.head[2] = byte(n>>16), byte(n>>8), byte(n) //nolint:gosec // a frame's length has three bytes, and this one got shorter
	} else if binary.BigEndian.Uint32(body) == typeBind {
		d.binds[d.stream()] = true
	}
	d.out = append(append(d.out, d.head...), body...)
	return nil
}

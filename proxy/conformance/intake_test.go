//go:build linux

package conformance

import (
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// readBody reads the request to its end. It says whether there was one.
func (u *upstream) readBody() bool {
	switch {
	case len(u.values("transfer-encoding")) > 0:
		for u.readChunk() {
		}
	case len(u.values("content-length")) > 0:
		n, _ := strconv.ParseInt(u.values("content-length")[0], 10, 64)
		if u.copy(n) {
			u.end()
		}
	default:
		u.end()
	}
	return u.whole()
}

func (u *upstream) end() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.complete = true
}

// copy takes n bytes of content.
func (u *upstream) copy(n int64) bool {
	buf := make([]byte, 32<<10)
	for n > 0 {
		m, err := u.br.Read(buf[:min(n, int64(len(buf)))])
		n -= int64(m)
		u.mu.Lock()
		u.wire.Write(buf[:m])
		u.content.Write(buf[:m])
		u.mu.Unlock()
		if err != nil {
			return false
		}
	}
	return true
}

func (u *upstream) readLine() string {
	line, err := u.br.ReadString('\n')
	u.mu.Lock()
	u.wire.WriteString(line)
	u.mu.Unlock()
	if err != nil {
		return ""
	}
	return line
}

// readChunk takes one chunk, and after the last one the trailers.
func (u *upstream) readChunk() bool {
	line := u.readLine()
	if line == "" {
		return false
	}
	if !chunkLine.MatchString(line) {
		u.flaw("it has the chunk line %q", line)
		return false
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(line), 16, 64)
	if n > 0 {
		if !u.copy(n) {
			return false
		}
		if end := u.readLine(); end != "\r\n" && end != "" {
			u.flaw("a chunk ends in %q", end)
			return false
		}
		return true
	}
	for {
		line := u.readLine()
		if line == "\r\n" {
			u.end()
			return false
		}
		m := headerLine.FindStringSubmatch(line)
		if m == nil {
			if line != "" {
				u.flaw("it has the trailer line %q", line)
			}
			return false
		}
		u.mu.Lock()
		u.trailers = append(u.trailers, [2]string{strings.ToLower(m[1]), m[2]})
		u.mu.Unlock()
	}
}

// gone waits until the other side closes the connection.
func (u *upstream) gone() bool {
	_ = u.conn.SetReadDeadline(time.Now().Add(patience))
	_, err := io.Copy(io.Discard, u.br)
	var late net.Error
	return !errors.As(err, &late) || !late.Timeout()
}

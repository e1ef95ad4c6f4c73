package proxy

import (
	"log/slog"
	"net"
	"sync"
	"time"
)

// MaxConnections is how many callers may be connected to a listener at a time.
// More wait, in the system's queue, until one of them leaves: a caller that is
// refused would have to try again by itself.
const MaxConnections = 10_000

// bounds is what one caller can cost the others.
type bounds struct {
	header      time.Duration // for a header, from its first byte to its last
	idle        time.Duration // between the requests of a connection
	connections int           // at a time
}

var usualBounds = bounds{header: 10 * time.Second, idle: 2 * time.Minute, connections: MaxConnections}

// crowd is a listener with room for so many connections.
type crowd struct {
	net.Listener
	log    *slog.Logger
	room   chan struct{}
	closed chan struct{}
	once   sync.Once
	warned time.Time // used by Accept only
}

func newCrowd(ln net.Listener, size int, log *slog.Logger) *crowd {
	return &crowd{Listener: ln, log: log, room: make(chan struct{}, size), closed: make(chan struct{})}
}

// Accept implements net.Listener. It waits for room first.
func (c *crowd) Accept() (net.Conn, error) {
	select {
	case c.room <- struct{}{}:
	default:
		if time.Since(c.warned) > time.Minute {
			c.warned = time.Now()
			c.log.Warn("too many callers are connected: the next ones wait until some leave", "connections", cap(c.room))
		}
		select {
		case c.room <- struct{}{}:
		case <-c.closed:
			return nil, net.ErrClosed
		}
	}
	conn, err := c.Listener.Accept()
	if err != nil {
		<-c.room
		return nil, err
	}
	leave := sync.OnceFunc(func() { <-c.room })
	if tcp, ok := conn.(*net.TCPConn); ok {
		return &guest{tcp, leave}, nil
	}
	return &visitor{conn, leave}, nil
}

// Close implements net.Listener.
func (c *crowd) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Listener.Close()
}

// guest is a connection that leaves room when it is closed. What a TCPConn can do
// beyond a Conn, the server makes use of.
type guest struct {
	*net.TCPConn
	leave func()
}

// Close implements net.Conn.
func (g *guest) Close() error {
	defer g.leave()
	return g.TCPConn.Close()
}

// visitor is a guest by other ways than TCP.
type visitor struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (v *visitor) Close() error {
	defer v.leave()
	return v.Conn.Close()
}

package backend

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"lockbox/proxy/config"
)

// What ngrok's free plan has for a month:
// https://ngrok.com/docs/pricing-limits/free-plan-limits.
const (
	FreeCalls = 20_000
	FreeBytes = 1_000_000_000 // of answers
)

// The shares of the free plan's month at which a person is told, in percent.
const (
	UsageHigh = 80
	UsageFull = 100
)

// saveUsageEvery is how often it is written down what came by the tunnel. What a
// kill -9 loses is not worth more.
const saveUsageEvery = 10 * time.Second

// TunnelUsage is what came by the tunnel in a month, on this computer.
type TunnelUsage struct {
	Month string `json:"month"` // 2026-11, of UTC
	Calls int64  `json:"calls"` // those that were refused too
	In    int64  `json:"bytes_in"`
	Out   int64  `json:"bytes_out"`
}

// Percent is how much of the free plan's month is used, of what is used up first.
func (u TunnelUsage) Percent() int {
	return int(max(u.Calls*100/FreeCalls, u.Out*100/FreeBytes))
}

// Level is UsageFull, UsageHigh or 0.
func (u TunnelUsage) Level() int {
	switch p := u.Percent(); {
	case p >= UsageFull:
		return UsageFull
	case p >= UsageHigh:
		return UsageHigh
	}
	return 0
}

// tunnelMeter counts what comes by the tunnel, over restarts.
type tunnelMeter struct {
	path string
	log  *slog.Logger

	mu    sync.Mutex
	usage TunnelUsage
	saved TunnelUsage
}

// newTunnelMeter goes on with what the file says. Nothing in it is worth refusing to
// start for.
func newTunnelMeter(path string, log *slog.Logger) *tunnelMeter {
	m := &tunnelMeter{path: path, log: log}
	text, err := os.ReadFile(path) //nolint:gosec // our own state file
	if err == nil {
		err = json.Unmarshal(text, &m.usage)
	}
	if err != nil && !os.IsNotExist(err) {
		log.Warn("what came by the tunnel this month is counted anew", "path", path, "why", err)
		m.usage = TunnelUsage{}
	}
	m.saved = m.usage
	return m
}

// now is what came this month.
func (m *tunnelMeter) now() TunnelUsage {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn()
	return m.usage
}

// turn begins a new month when it is time. m.mu is held.
func (m *tunnelMeter) turn() {
	if month := time.Now().UTC().Format("2006-01"); m.usage.Month != month {
		m.usage = TunnelUsage{Month: month}
	}
}

func (m *tunnelMeter) add(calls, in, out int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn()
	before := m.usage.Level()
	m.usage.Calls += calls
	m.usage.In += in
	m.usage.Out += out
	if level := m.usage.Level(); level > before {
		m.log.Warn("the tunnel has used much of what ngrok's free plan has for a month", "percent", level,
			"calls", m.usage.Calls, "bytes", m.usage.Out, "of calls", FreeCalls, "of bytes", int64(FreeBytes))
	}
}

// call counts a call.
func (m *tunnelMeter) call() { m.add(1, 0, 0) }

// keep writes down now and then what was counted, and shows it, until ctx ends.
func (m *tunnelMeter) keep(ctx context.Context, changed func()) {
	tick := time.NewTicker(saveUsageEvery)
	defer tick.Stop()
	told := false
	for ctx.Err() == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
		fresh, err := m.save()
		if err != nil && !told {
			m.log.Error("what came by the tunnel cannot be written down", "why", err)
		}
		told = err != nil
		if fresh {
			changed()
		}
	}
}

// save writes down what was counted, and reports whether there was anything new.
func (m *tunnelMeter) save() (fresh bool, err error) {
	usage := m.now()
	m.mu.Lock()
	fresh = usage != m.saved && usage.Calls > 0
	m.mu.Unlock()
	if !fresh {
		return false, nil
	}
	text, err := json.MarshalIndent(usage, "", "  ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(m.path), 0o700)
	}
	if err == nil {
		err = config.ReplaceFile(m.path, append(text, '\n'))
	}
	if err == nil {
		m.mu.Lock()
		m.saved = usage
		m.mu.Unlock()
	}
	return true, err
}

// listen counts the bytes of a listener's connections.
func (m *tunnelMeter) listen(ln net.Listener) net.Listener { return meteredListener{ln, m} }

type meteredListener struct {
	net.Listener
	meter *tunnelMeter
}

// Accept implements net.Listener.
func (l meteredListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return meteredConn{conn, l.meter}, nil
}

type meteredConn struct {
	net.Conn
	meter *tunnelMeter
}

// Read implements net.Conn.
func (c meteredConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.meter.add(0, int64(n), 0)
	return n, err
}

// Write implements net.Conn.
func (c meteredConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.meter.add(0, 0, int64(n))
	return n, err
}

// Package duplicate remembers calls that were made, and what came of them, so that
// the same call again can be told from a new one. It knows nothing of HTTP but what
// an answer is. What it remembers is in memory alone, and bounded.
package duplicate

import (
	"container/list"
	"context"
	"net/http"
	"sync"
	"time"
)

const (
	// mostCalls and mostBytes bound what is remembered, of all services together.
	// With more calls the oldest one is forgotten; with more bytes its answer is, and
	// the call is not.
	mostCalls = 10_000
	mostBytes = 64 << 20
	// MostAnswer is how long an answer may be that is kept, in bytes.
	MostAnswer = 1 << 20
)

// Sum is a SHA-256: of what tells calls apart, or of all that a call is.
type Sum [32]byte

// Answer is what the first of several calls got.
type Answer struct {
	ID     string // of the first call's record
	Status int
	Header http.Header
	Body   []byte
}

func (a *Answer) size() int {
	n := len(a.Body)
	for name, values := range a.Header {
		for _, v := range values {
			n += len(name) + len(v)
		}
	}
	return n
}

// Call is a call that was begun. Its answer is to be read once it is done.
type Call struct {
	Whole Sum // all that it is

	key    Sum
	done   chan struct{}
	made   bool // upstream: it is not to be made again
	id     string
	answer *Answer // nil: it was not kept
	until  time.Time
	place  *list.Element
}

// Memory is what is remembered. Its methods can be used by many goroutines at once.
type Memory struct {
	mu    sync.Mutex
	calls map[Sum]*Call
	ended *list.List // of *Call, as they ended
	bytes int        // of their answers
}

// New is one without any memories.
func New() *Memory { return &Memory{calls: map[Sum]*Call{}, ended: list.New()} }

// Begin finds the call that was begun under a key, or begins it: then first is true,
// and the call is to be ended.
func (m *Memory) Begin(key, whole Sum) (c *Call, first bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for e := m.ended.Front(); e != nil && (!e.Value.(*Call).until.After(now) || m.ended.Len() > mostCalls); e = m.ended.Front() {
		m.forget(e.Value.(*Call))
	}
	if c := m.calls[key]; c != nil {
		if c.place == nil || c.until.After(now) {
			return c, false
		}
		m.forget(c)
	}
	c = &Call{Whole: whole, key: key, done: make(chan struct{})}
	m.calls[key] = c
	return c, true
}

// End says what came of a call: it was not made, or it was and is remembered for a
// time, with its answer if that can be kept.
func (m *Memory) End(c *Call, made bool, id string, a *Answer, window time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	defer close(c.done)
	c.made, c.id = made, id
	if !made {
		delete(m.calls, c.key)
		return
	}
	c.until = time.Now().Add(window)
	c.place = m.ended.PushBack(c)
	if a == nil || len(a.Body) > MostAnswer {
		return
	}
	c.answer = a
	m.bytes += a.size()
	for e := m.ended.Front(); e != nil && m.bytes > mostBytes; e = e.Next() {
		m.drop(e.Value.(*Call))
	}
}

// Wait waits for a call to end. made says whether it was made, and then is not to be
// made again; the answer is nil where there is none to give.
func (m *Memory) Wait(ctx context.Context, c *Call) (made bool, id string, a *Answer, err error) {
	select {
	case <-c.done:
		m.mu.Lock()
		defer m.mu.Unlock()
		return c.made, c.id, c.answer, nil
	case <-ctx.Done():
		return false, "", nil, ctx.Err()
	}
}

// Drop forgets what was answered, but not what was called.
func (m *Memory) Drop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for e := m.ended.Front(); e != nil; e = e.Next() {
		m.drop(e.Value.(*Call))
	}
}

// drop forgets a call's answer. m.mu is held.
func (m *Memory) drop(c *Call) {
	if c.answer != nil {
		m.bytes -= c.answer.size()
		c.answer = nil
	}
}

// forget forgets a call that has ended. m.mu is held.
func (m *Memory) forget(c *Call) {
	m.drop(c)
	m.ended.Remove(c.place)
	if m.calls[c.key] == c {
		delete(m.calls, c.key)
	}
}

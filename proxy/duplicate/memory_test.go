package duplicate

import (
	"context"
	"encoding/binary"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func sum(n int) (s Sum) {
	binary.BigEndian.PutUint64(s[:], uint64(n)) //nolint:gosec // not negative
	return s
}

func (m *Memory) made(n int, a *Answer, window time.Duration) {
	c, _ := m.Begin(sum(n), sum(n))
	m.End(c, true, "id", a, window)
}

func (m *Memory) knows(n int) (known bool, a *Answer) {
	c, first := m.Begin(sum(n), sum(n))
	if first {
		m.End(c, false, "", nil, 0)
		return false, nil
	}
	return true, c.answer
}

func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New()
		m.made(1, &Answer{Status: 200}, time.Hour)
		m.made(2, &Answer{Status: 200}, time.Minute)
		time.Sleep(time.Minute - time.Nanosecond)
		if known, a := m.knows(2); !known || a == nil {
			t.Error("forgotten before its time")
		}
		time.Sleep(time.Nanosecond)
		if known, _ := m.knows(2); known {
			t.Error("remembered behind one that is longer")
		}
		time.Sleep(time.Hour)
		if known, _ := m.knows(1); known || len(m.calls) != 0 || m.ended.Len() != 0 || m.bytes != 0 {
			t.Errorf("%d calls and %d bytes are left", m.ended.Len(), m.bytes)
		}
	})
}

func TestWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New()
		c, first := m.Begin(sum(1), sum(1))
		again, second := m.Begin(sum(1), sum(2))
		if !first || second || again != c || again.Whole != sum(1) {
			t.Fatal("the second is not found to be one")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, _, err := m.Wait(ctx, again); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waited: %v", err)
		}
		time.Sleep(1000 * time.Hour) // it is under way
		if _, first := m.Begin(sum(1), sum(1)); first {
			t.Error("forgotten while it is under way")
		}
		go func() { time.Sleep(time.Second); m.End(c, true, "id", &Answer{Status: 201}, time.Minute) }()
		if made, id, a, err := m.Wait(t.Context(), again); !made || id != "id" || a.Status != 201 || err != nil {
			t.Errorf("got %v %v %v %v", made, id, a, err)
		}
	})
}

func TestBounds(t *testing.T) {
	m := New()
	big := func() *Answer {
		return &Answer{Header: http.Header{"X": {"y"}}, Body: make([]byte, MostAnswer-2)}
	}
	most := mostBytes / MostAnswer
	for i := range most + 3 {
		m.made(i, big(), time.Hour)
	}
	for i := range most + 3 {
		if known, a := m.knows(i); !known || (a != nil) != (i >= 3) {
			t.Errorf("call %d: known %v, %v", i, known, a != nil)
		}
	}
	m.made(-1+1<<40, &Answer{Body: make([]byte, MostAnswer+1)}, time.Hour)
	if known, a := m.knows(-1 + 1<<40); !known || a != nil {
		t.Error("an answer is kept that is too long")
	}
	m.Drop()
	if known, a := m.knows(most); !known || a != nil || m.bytes != 0 {
		t.Errorf("after a Drop: %v, %d bytes", a, m.bytes)
	}
	for i := range mostCalls + 10 {
		m.made(1000+i, nil, time.Hour)
	}
	if known, _ := m.knows(0); known || len(m.calls) > mostCalls+1 {
		t.Errorf("%d calls are remembered", len(m.calls))
	}
	if known, _ := m.knows(1000 + mostCalls); !known {
		t.Error("the newest is forgotten")
	}
}

package drift

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"lockbox/proxy/config"
)

const (
	// mostTokens are watched at a time: those that were used last.
	mostTokens = 100_000
	// saveEvery is how often what was learnt is written down. What a crash costs is
	// learnt again.
	saveEvery = 30 * time.Second
)

// Tracker knows the habits of all tokens, and keeps them in a file that holds no
// token and no User-Agent. Its methods can be used by many goroutines at once; a nil
// one knows none.
type Tracker struct {
	path    string
	log     *slog.Logger
	changed atomic.Bool // since it was saved

	saving sync.Mutex
	mu     sync.Mutex
	habits map[string]*Habit // by the token's id in the list of tokens

	end   context.CancelFunc
	ended sync.WaitGroup
}

// Open reads the file at path, which need not be there. One that is damaged is set
// aside, and all tokens are learnt anew. Close has it written for the last time.
func Open(path string, log *slog.Logger) *Tracker {
	ctx, end := context.WithCancel(context.Background())
	t := &Tracker{path: path, log: log, habits: map[string]*Habit{}, end: end}
	if err := t.load(); err != nil {
		t.habits = map[string]*Habit{}
		aside := fmt.Sprintf("%s.%s.damaged", path, time.Now().UTC().Format("20060102T150405.000"))
		err = errors.Join(err, os.Rename(path, aside))
		log.Error("what was learnt of the use of tokens cannot be read: it is set aside, and learnt anew", "as", aside, "why", err)
	}
	t.ended.Go(func() { t.keep(ctx) })
	return t
}

// Of is the habit of the token with an id in the list of tokens. It begins with
// the first call.
func (t *Tracker) Of(id string) *Habit {
	if t == nil || id == "" {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.habits[id]
	if h == nil {
		if len(t.habits) >= mostTokens {
			t.forget()
		}
		h = t.add(id, &known{})
	}
	return h
}

// add begins a habit. t.mu must be held.
func (t *Tracker) add(id string, k *known) *Habit {
	h := &Habit{tracker: t}
	h.known.Store(k)
	t.habits[id] = h
	return h
}

// forget makes room by a tenth, so that it is rare. t.mu must be held.
func (t *Tracker) forget() {
	type used struct {
		id   string
		hour int64
	}
	all := make([]used, 0, len(t.habits))
	for id, h := range t.habits {
		all = append(all, used{id, h.known.Load().hour})
	}
	slices.SortFunc(all, func(a, b used) int { return cmp.Compare(a.hour, b.hour) })
	for _, u := range all[:len(all)/10+1] {
		delete(t.habits, u.id)
	}
}

// keep saves now and then, until ctx ends.
func (t *Tracker) keep(ctx context.Context) {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	told := false
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		err := t.save()
		if err != nil && !told {
			t.log.Error("what was learnt of the use of tokens cannot be written down", "why", err)
		}
		told = err != nil
	}
}

// Close saves what is not saved yet.
func (t *Tracker) Close() error {
	t.end()
	t.ended.Wait()
	return t.save()
}

// line is a token in the file, a JSON object a line. Times are Unix seconds.
type line struct {
	ID       string   `json:"id"`
	First    int64    `json:"first"`
	Calls    int      `json:"calls"`
	Hour     int64    `json:"hour"` // from 1970 on
	Days     int      `json:"days"`
	Hours    uint32   `json:"hours"` // a bit each, UTC
	Networks []string `json:"networks,omitempty"`
	Roams    bool     `json:"roams,omitempty"`
	Programs []string `json:"programs,omitempty"` // FNV-1a of their names
	Varies   bool     `json:"varies,omitempty"`
}

func (t *Tracker) load() error {
	text, err := os.ReadFile(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for n := 1; len(text) > 0; n++ {
		one, rest, whole := bytes.Cut(text, []byte("\n"))
		text = rest
		var l line
		if err := json.Unmarshal(one, &l); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if !whole || l.ID == "" || l.Calls < 0 || l.Calls > learnCalls || len(l.Networks) > mostNetworks || len(l.Programs) > mostPrograms || len(t.habits) == mostTokens {
			return fmt.Errorf("line %d is none of Lockbox's", n)
		}
		k := &known{first: l.First, calls: l.Calls, hour: l.Hour, days: l.Days, hours: l.Hours, roams: l.Roams, varies: l.Varies}
		for _, s := range l.Networks {
			k.networks = append(k.networks, parseNetwork(s))
		}
		for _, s := range l.Programs {
			program, err := strconv.ParseUint(s, 16, 64)
			if err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
			k.programs = append(k.programs, program)
		}
		t.add(l.ID, k)
	}
	return nil
}

func (t *Tracker) save() error {
	t.saving.Lock()
	defer t.saving.Unlock()
	if !t.changed.Swap(false) {
		return nil
	}
	t.mu.Lock()
	lines := make([]line, 0, len(t.habits))
	for id, h := range t.habits {
		lines = append(lines, h.known.Load().line(id))
	}
	t.mu.Unlock()
	err := config.ReplaceFileBy(t.path, func(w io.Writer) error {
		buffered := bufio.NewWriter(w)
		out := json.NewEncoder(buffered)
		for i := range lines {
			if err := out.Encode(&lines[i]); err != nil {
				return err
			}
		}
		return buffered.Flush()
	})
	if err != nil {
		t.changed.Store(true)
	}
	return err
}

func (k *known) line(id string) line {
	l := line{ID: id, First: k.first, Calls: k.calls, Hour: k.hour, Days: k.days, Hours: k.hours, Roams: k.roams, Varies: k.varies}
	for _, n := range k.networks {
		l.Networks = append(l.Networks, n.String())
	}
	for _, p := range k.programs {
		l.Programs = append(l.Programs, strconv.FormatUint(p, 16))
	}
	return l
}

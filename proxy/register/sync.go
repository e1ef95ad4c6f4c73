package register

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"lockbox/proxy/drift"
)

// write adds lines to the file and makes them true.
func (r *Register) write(lines ...line) error {
	r.disk.Lock()
	defer r.disk.Unlock()
	free, err := Hold(r.file.path)
	if err != nil {
		return unwritten(err)
	}
	defer free()
	if err := r.read(); err != nil {
		return err
	}
	if err := r.file.add(lines); err != nil {
		return unwritten(err)
	}
	return r.read()
}

func unwritten(err error) error {
	return fmt.Errorf("the list of tokens cannot be written: %w", err)
}

// Sync makes true what other processes have written since.
func (r *Register) Sync() error {
	r.disk.Lock()
	defer r.disk.Unlock()
	return r.read()
}

// read applies what is new in the file. disk must be held.
func (r *Register) read() error {
	lines, anew, err := r.file.news()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.troubled(err)
	if err != nil {
		return err
	}
	if anew { // it was compacted, or restored: what it does not say is not so
		r.reset()
	}
	for _, l := range lines {
		r.apply(l)
	}
	if anew {
		r.drop()
		for _, l := range r.unsaved {
			r.apply(l)
		}
	}
	return nil
}

// reset forgets what the file said. The entries stay, for the proxy counts on
// them.
func (r *Register) reset() {
	r.order, r.rules, r.panicked, r.foreign = nil, nil, time.Time{}, 0
	r.keysAt = time.Time{}
	r.keys++ // those that came with the file may be others
	for _, e := range r.entries {
		e.listed, e.saved, e.info.Revoked = false, 0, time.Time{}
		e.info.Paused, e.info.Sights, e.pausedBy, e.accepted = time.Time{}, nil, drift.Sight{}, drift.Sight{}
	}
	r.ended()
}

// ended notes that tokens may be good no more.
func (r *Register) ended() {
	r.generation.Add(1)
	r.revision.Add(1)
}

// drop lets go of the entries that are in the file no more, but for those with
// calls to be written down.
func (r *Register) drop() {
	for id, e := range r.entries {
		switch {
		case e.listed:
		case e.info.Kind != Made && e.calls.Load() > 0:
			r.put(e.info)
		default:
			delete(r.entries, id)
		}
	}
}

// Flush writes down what was seen, what was new about it, and how often tokens were
// used since the last time. Until then a crash may cost this; it opens nothing.
func (r *Register) Flush() error {
	r.mu.Lock()
	var lines []line
	for _, e := range r.order {
		lines = append(lines, e.unsaved()...)
	}
	sights := r.unsaved
	r.unsaved = nil
	lines = append(lines, sights...) // behind the tokens that they are about
	r.mu.Unlock()
	if len(lines) == 0 {
		return nil
	}
	err := r.write(lines...)
	if err != nil {
		r.mu.Lock()
		r.unsaved = append(sights, r.unsaved...)
		r.mu.Unlock()
	}
	return err
}

// unsaved is what the file does not say of an entry.
func (e *Entry) unsaved() []line {
	calls := e.calls.Load()
	if calls == e.saved {
		return nil
	}
	var out []line
	if e.saved == 0 && e.info.Kind != Made {
		out = append(out, e.line())
	}
	return append(out, line{Op: opUsed, ID: e.info.ID, Calls: calls, At: e.last.Load()})
}

func (e *Entry) line() line {
	i := e.info
	return line{Op: string(i.Kind), ID: i.ID, Label: i.Label, Service: i.Service, Audience: i.Audience, At: stamp(i.Made), Expires: stamp(i.Expires)}
}

// compact writes the file anew when much of it says nothing any more.
func (r *Register) compact(now time.Time) error {
	r.disk.Lock()
	defer r.disk.Unlock()
	if r.file.lines < compactAbove || r.file.lines < 3*len(r.List()) {
		return nil
	}
	free, err := Hold(r.file.path)
	if err != nil {
		return unwritten(err)
	}
	defer free()
	if err := r.read(); err != nil {
		return err
	}
	if err := r.file.replace(r.essence(now)); err != nil {
		return unwritten(err)
	}
	return r.read()
}

// essence is the shortest file that says the same, less what expired long ago. A
// rule is needed as long as a token that it is for may be out, which nobody knows.
func (r *Register) essence(now time.Time) []line {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []line
	// First, for a token that comes behind a rule was made after it.
	for _, rule := range newest(r.rules) {
		out = append(out, line{Op: opRule, Service: rule.service, Audience: list(rule.audience), At: stamp(rule.before)})
	}
	if !r.panicked.IsZero() {
		out = append(out, line{Op: opPanic, At: stamp(r.panicked)})
	}
	if !r.keysAt.IsZero() {
		out = append(out, line{Op: opKeys, At: stamp(r.keysAt)})
	}
	for _, e := range r.order {
		if e.info.Kind != Original && now.Sub(e.info.Expires) > keepExpired {
			continue
		}
		out = append(out, e.line())
		if calls := e.calls.Load(); calls > 0 {
			out = append(out, line{Op: opUsed, ID: e.info.ID, Calls: calls, At: e.last.Load()})
		}
		out = append(out, e.sightLines()...)
		if !e.info.Revoked.IsZero() {
			out = append(out, line{Op: opRevoked, ID: e.info.ID, At: stamp(e.info.Revoked)})
		}
	}
	return out
}

// newest keeps the last of the rules for the same tokens.
func newest(rules []rule) (out []rule) {
	for i, r := range rules {
		later := false
		for _, other := range rules[i+1:] {
			later = later || other.service == r.service && other.audience == r.audience && !other.before.Before(r.before)
		}
		if !later {
			out = append(out, r)
		}
	}
	return out
}

// Close writes down what Flush would.
func (r *Register) Close() error { return r.Flush() }

func syncDir(path string) error {
	if runtime.GOOS == "windows" { // which cannot, and need not
		return nil
	}
	d, err := os.Open(path) //nolint:gosec // our own folder
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // only synced
	return d.Sync()
}

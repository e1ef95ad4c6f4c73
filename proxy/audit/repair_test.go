package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// swap has the log write to another file, and returns the one before.
func swap(l *Log, f *os.File) *os.File {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.file
	l.file = f
	return before
}

// TestHalfALine: what a failing disk leaves of a record is taken back before the
// next one is written, even when that fails too at first.
func TestHalfALine(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	add(t, l, "s", "/1")
	path := filepath.Join(dir, l.segments[0].name)
	unwritable, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	file := swap(l, unwritable)
	if err := l.Append(&Exchange{Time: time.Now()}); err == nil {
		t.Fatal("a record was written that could not be")
	}
	if _, err := file.WriteString(`{"id":"half a`); err != nil {
		t.Fatal(err)
	}
	_ = swap(l, file).Close()
	if x := add(t, l, "s", "/2"); x.Seq != 2 {
		t.Errorf("record %d, want 2", x.Seq)
	}
	if v, err := l.Verify(t.Context(), func(_, _ int64) {}); err != nil || !v.OK() || v.Records != 2 {
		t.Errorf("%+v, %v; want two records", v, err)
	}
}

// TestNextFileWhenTheLastCannotBeSynced: the log goes on once it can be.
func TestNextFileWhenTheLastCannotBeSynced(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	add(t, l, "s", "/1")
	l.limit = 1
	r, pipe, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	file := swap(l, pipe)
	for range 2 {
		if err := l.Append(&Exchange{Time: time.Now()}); err == nil || errors.Is(err, os.ErrClosed) {
			t.Errorf("got %v, want the error of the sync", err)
		}
	}
	_ = swap(l, file).Close()
	add(t, l, "s", "/2")
	if v, err := l.Verify(t.Context(), func(_, _ int64) {}); err != nil || !v.OK() || v.Records != 2 {
		t.Errorf("%+v, %v; want two records", v, err)
	}
}

// TestIndexOfTwo: of two processes with one log the one that writes it writes the
// index, and the other one goes on with both.
func TestIndexOfTwo(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	second := open(t, dir)
	for i := range 200 {
		add(t, first, "s", fmt.Sprint("/", i))
		second.index.wakeUp()
	}
	indexed(t, first)
	if second.index.writer != nil {
		t.Error("both write the index")
	}
	if n, err := second.Matches(t.Context(), Query{Service: []string{"s"}}); err != nil || n != 200 {
		t.Errorf("the second finds %d, %v; want 200", n, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the second writes", func() bool { return second.Append(&Exchange{Time: time.Now(), Service: "s"}) == nil })
	indexed(t, second)
	if n, err := second.Matches(t.Context(), Query{Service: []string{"s"}}); err != nil || n != 201 {
		t.Errorf("the second finds %d, %v; want 201", n, err)
	}
	if aside, _ := filepath.Glob(filepath.Join(dir, "*.damaged")); len(aside) > 0 {
		t.Errorf("set aside: %v", aside)
	}
}

// TestIndexAheadOfTheLog: the power failed, the index kept a record that the log
// lost, and another one took its place.
func TestIndexAheadOfTheLog(t *testing.T) {
	dir := t.TempDir()
	write := func(paths ...string) {
		l := open(t, dir)
		for _, p := range paths {
			add(t, l, "s", p)
		}
		indexed(t, l)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	write("/1", "/2", "/lost")
	index := filepath.Join(dir, "index.db")
	old, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	logs, _ := filepath.Glob(filepath.Join(dir, "*"+suffix))
	editLines(t, logs[0], func(l [][]byte) [][]byte { return l[:2] })
	write("/kept", "/4")
	if err := os.WriteFile(index, old, 0o600); err != nil {
		t.Fatal(err)
	}
	l := open(t, dir)
	add(t, l, "s", "/5")
	eventually(t, "the index is made again", func() bool {
		kept, err := l.Matches(t.Context(), Query{Text: "kept"})
		lost, err2 := l.Matches(t.Context(), Query{Text: "lost"})
		return err == nil && err2 == nil && kept == 1 && lost == 0
	})
}

// TestIndexDamagedMeanwhile: a search that meets damage has the index made again.
func TestIndexDamagedMeanwhile(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	for i := range 300 {
		add(t, l, "s", fmt.Sprint("/item/", i))
	}
	indexed(t, l)
	x := l.index
	x.cancel()
	x.done.Wait()
	if _, err := x.db().Exec("PRAGMA query_only=0"); err != nil {
		t.Fatal(err)
	}
	if _, err := x.db().Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	index := filepath.Join(dir, "index.db")
	f, err := os.OpenFile(index, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, info.Size()-4096)
	for i := range noise {
		noise[i] = byte(i * 7)
	}
	if _, err := f.WriteAt(noise, 4096); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	x.db().SetMaxIdleConns(0) // and with the connections what they remember
	if _, err := l.Matches(t.Context(), Query{Text: "item"}); err == nil {
		t.Fatal("a search does not meet the damage")
	}
	_, _, err = x.follow(t.Context())
	if err == nil || !damaged(err) {
		t.Fatalf("the index follows: %v", err)
	}
	if err := x.renew(err); err != nil {
		t.Fatal(err)
	}
	if _, _, err = x.follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	indexed(t, l)
	if n, err := l.Matches(t.Context(), Query{Text: "item"}); err != nil || n != 300 {
		t.Errorf("%d found, %v; want 300", n, err)
	}
}

// TestIndexThatCannotBeMade: an index that was set aside, and cannot be replaced,
// is tried for again.
func TestIndexThatCannotBeMade(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	add(t, l, "s", "/1")
	indexed(t, l)
	x := l.index
	x.cancel()
	x.done.Wait()
	l.dir = filepath.Join(dir, "nowhere")
	x.file = l.indexPath()
	if err := x.renew(errForeign); err == nil {
		t.Fatal("an index was made in a directory that is not there")
	}
	if _, _, err := x.follow(t.Context()); err == nil {
		t.Error("an index that is not there follows")
	}
	l.dir = dir
	x.file = l.indexPath()
	if xs, err := l.List(Query{Service: []string{"s"}}); err != nil || len(xs) != 1 {
		t.Errorf("without an index: %+v, %v", xs, err)
	}
	if _, _, err := x.follow(t.Context()); err != nil {
		t.Error(err)
	}
	indexed(t, l)
}

// TestIndexRestsAtDamage: a last record that cannot be read is not tried for
// without end.
func TestIndexRestsAtDamage(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	x := l.index
	x.cancel()
	x.done.Wait()
	for range 3 {
		add(t, l, "s", "/")
	}
	editLines(t, filepath.Join(dir, l.segments[0].name), func(lines [][]byte) [][]byte { lines[2] = []byte("{}"); return lines })
	for range 2 {
		if more, _, err := x.follow(t.Context()); more || err != nil {
			t.Errorf("more: %v, %v", more, err)
		}
	}
	if until, err := x.until(t.Context()); err != nil || until != 2 {
		t.Errorf("indexed until %d, %v; want 2", until, err)
	}
}

// TestNotYetIndexed: while the index of a long log is made, searches say how much
// they leave out, tell when there is more, and an export leaves nothing out.
func TestNotYetIndexed(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	const many = 3 * maxTail
	for i := range many {
		path := "/x"
		if i == many/2 {
			path = "/needle"
		}
		x := Exchange{Time: time.Now(), Service: "s", Method: "GET", Path: path, Status: 200, Decision: Allowed}
		if err := l.Append(&x); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "index.db*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no index: %v", err)
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	l = open(t, dir)
	told := make(chan struct{}, 1000)
	l.OnChange(func() { told <- struct{}{} })
	q := Query{Text: "needle"}
	exported := 0
	if err := l.Each(t.Context(), q, func(*Exchange) error { exported++; return nil }); err != nil || exported != 1 {
		t.Errorf("an export has %d, %v; want 1", exported, err)
	}
	for hidden := false; ; {
		found, err := l.List(q)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 1 {
			if !hidden {
				t.Error("the index was made before anyone could look")
			}
			break
		}
		hidden = true
		if l.Unsearched() == 0 {
			t.Fatal("not found, and nothing is said to be left out")
		}
	}
	eventually(t, "all is searched", func() bool { return l.Unsearched() == 0 && len(told) > 0 })
}

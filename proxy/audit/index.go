package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/sqlite" // the driver, chosen by BenchmarkDrivers
	lib "modernc.org/sqlite/lib"
)

// schema is what each version of the index adds to the one before. The index holds
// nothing that the log does not: one of a version that is not known is set aside,
// and made again.
var schema = []string{`
	-- A record as lists show it, and where it stands in the log. at is its time, but
	-- never less than the one of the record before, so that it grows with seq.
	CREATE TABLE calls (
		seq INTEGER PRIMARY KEY, segment TEXT, offset INTEGER, length INTEGER, at INTEGER,
		id TEXT, time INTEGER, service TEXT, method TEXT, path TEXT, query TEXT, status INTEGER,
		duration INTEGER, bytes_in INTEGER, bytes_out INTEGER, audience TEXT, jti TEXT,
		listener TEXT, remote TEXT, decision TEXT, reason TEXT, event TEXT, replay_of TEXT);
	-- The words of a record, and in facets a term for each value that filters know.
	CREATE VIRTUAL TABLE words USING fts5 (facets, text, content='', contentless_delete=1,
		tokenize="unicode61 remove_diacritics 0 categories 'L* N* Co'");
	CREATE TABLE facets (word TEXT, value TEXT, n INTEGER, PRIMARY KEY (word, value)) WITHOUT ROWID;
	-- until: Seq of the newest record that is indexed. setback: 1 when the clock was
	-- ever set back between two records.
	CREATE TABLE state (only INTEGER PRIMARY KEY CHECK (only = 1), until INTEGER, at INTEGER, setback INTEGER);
	INSERT INTO state VALUES (1, 0, 0, 0);
`, `
	ALTER TABLE calls ADD COLUMN drift TEXT NOT NULL DEFAULT '';
`}

// errOutdated is of an index that a newer Lockbox made.
var errOutdated = errors.New("a newer Lockbox made it")

// index is the SQLite database beside the log's files. One goroutine writes it, and
// follows the log; searches read it.
type index struct {
	log       *Log
	file      string
	readers   atomic.Pointer[sql.DB]
	writer    *sql.DB       // nil in a reader of the log, and until it can be had
	suspected atomic.Bool   // a search met damage
	behind    atomic.Int64  // records that it has not reached, as it was last looked at
	wake      chan struct{} // the log has grown, or shrunk
	cancel    context.CancelFunc
	done      sync.WaitGroup

	mu      sync.Mutex
	problem error // why it does not follow the log
}

func (l *Log) indexPath() string { return l.path("index.db") }

// openIndex returns nil when there is none and none can be made: searches then read
// the files of the log. One that is damaged is set aside, and made again.
func openIndex(l *Log) *index {
	x := &index{log: l, file: l.indexPath(), wake: make(chan struct{}, 1)}
	if !l.claimed {
		// Whoever writes the log writes its index too.
		if err := x.borrow(); err != nil && l.reader {
			_ = x.close()
			return nil
		}
	} else if err := x.prepare(); err != nil {
		if !damaged(err) {
			l.logger.Error("the index of the audit log cannot be opened: searches will be slow", "why", err)
			return nil
		}
		if err := x.renew(err); err != nil {
			l.logger.Error("the index of the audit log cannot be made: searches will be slow", "why", err)
			return nil
		}
	}
	if l.claimed {
		if err := x.read(); err != nil {
			l.logger.Error("the index of the audit log cannot be read: searches will be slow", "why", err)
			_ = x.close()
			return nil
		}
	}
	if !l.reader {
		ctx, cancel := context.WithCancel(context.Background())
		x.cancel = cancel
		x.done.Go(func() { x.run(ctx) })
	}
	return x
}

// db is the index for searches; nil while there is none.
func (x *index) db() *sql.DB {
	if x == nil {
		return nil
	}
	return x.readers.Load()
}

// borrow opens the index of another process for searches, if it can be read here.
func (x *index) borrow() error {
	if _, err := os.Stat(x.file); err != nil {
		return err
	}
	if err := x.read(); err != nil {
		return err
	}
	var version int
	err := x.db().QueryRow("SELECT user_version FROM pragma_user_version, state").Scan(&version)
	if err == nil && version != len(schema) {
		err = errOutdated
	}
	if err != nil {
		err = errors.Join(err, x.readers.Swap(nil).Close())
	}
	return err
}

// suspect has the index looked at, and made again, if a search met damage in it.
func (x *index) suspect(err error) {
	var e *sqlite.Error
	if errors.As(err, &e) && (e.Code()&0xff == lib.SQLITE_CORRUPT || e.Code()&0xff == lib.SQLITE_NOTADB) {
		x.suspected.Store(true)
		x.wakeUp()
	}
}

// read opens the index for searches, in the place of one that was set aside.
func (x *index) read() error {
	db, err := openDB(x.file, 4, "query_only(1)")
	if err != nil {
		return err
	}
	if old := x.readers.Swap(db); old != nil {
		_ = old.Close() // only read
	}
	return nil
}

// openDB waits up to five seconds for another process that writes.
func openDB(file string, connections int, pragmas ...string) (*sql.DB, error) {
	q := url.Values{"_pragma": append([]string{"busy_timeout(5000)", "cache_size(-8000)"}, pragmas...), "_txlock": {"immediate"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: file}).EscapedPath(), RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// prepare opens the index for writing, and brings its schema up to date.
func (x *index) prepare() (err error) {
	f, err := os.OpenFile(x.file, os.O_CREATE|os.O_RDWR, 0o600) // SQLite's own mode would be wider
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	x.writer, err = openDB(x.file, 1, "auto_vacuum(incremental)", "journal_mode(wal)", "synchronous(normal)", "wal_autocheckpoint(4000)", "journal_size_limit(67108864)")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, x.writer.Close())
			x.writer = nil
		}
	}()
	var version int
	if err := x.writer.QueryRow("PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version > len(schema) {
		return errOutdated
	}
	for ; version < len(schema); version++ {
		if err := x.migrate(version); err != nil {
			return err
		}
	}
	var sane string
	if err := x.writer.QueryRow("SELECT 'ok' FROM state, (SELECT max(seq) FROM calls)").Scan(&sane); err != nil {
		return err
	}
	// Not all of it is looked at: that would take minutes. What is met later is
	// dealt with then.
	return x.writer.QueryRow("SELECT 'ok' FROM (SELECT * FROM words LIMIT 1) UNION ALL SELECT 'ok' LIMIT 1").Scan(&sane)
}

func (x *index) migrate(version int) error {
	tx, err := x.writer.Begin()
	if err != nil {
		return err
	}
	if _, err = tx.Exec(schema[version]); err == nil {
		_, err = tx.Exec("PRAGMA user_version = " + strconv.Itoa(version+1))
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// damaged reports whether an error is of the file's content: only a new one helps.
func damaged(err error) bool {
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch e.Code() & 0xff {
		case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB, lib.SQLITE_ERROR, lib.SQLITE_FORMAT:
			return true
		}
	}
	return errors.Is(err, errOutdated) || errors.Is(err, errForeign) || errors.Is(err, errSuspected) || errors.Is(err, sql.ErrNoRows)
}

// renew sets the index aside and begins an empty one.
func (x *index) renew(why error) error {
	aside := fmt.Sprintf("%s.%s.damaged", x.file, time.Now().UTC().Format("20060102T150405.000"))
	x.log.logger.Error("the index of the audit log is damaged: it was set aside and is made again from the log", "as", aside, "why", why)
	if x.writer != nil {
		_ = x.writer.Close() // it is damaged
		x.writer = nil
	}
	if old := x.readers.Swap(nil); old != nil { // searches read the files meanwhile
		_ = old.Close()
	}
	for _, end := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(x.file+end, aside+end); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return x.prepare()
}

// remake is renew for an index that is searched meanwhile.
func (x *index) remake(why error) error {
	if err := x.renew(why); err != nil {
		return err
	}
	return x.read()
}

// wakeUp tells that the log has changed. It may be called without an index.
func (x *index) wakeUp() {
	if x == nil {
		return
	}
	select {
	case x.wake <- struct{}{}:
	default: // it will look
	}
}

func (x *index) close() error {
	if x.cancel != nil {
		x.cancel()
		x.done.Wait()
	}
	var err error
	for _, db := range []*sql.DB{x.readers.Load(), x.writer} {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	return err
}

// until is the Seq of the newest record that searches find in the index.
func (x *index) until(ctx context.Context) (seq int64, err error) {
	db := x.db()
	if db == nil {
		return 0, nil
	}
	err = db.QueryRowContext(ctx, "SELECT until FROM state").Scan(&seq)
	return seq, err
}

// facetTerm is the word for a filter's value in the facets of a record.
func facetTerm(word, value string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(value)) // never fails
	return word + "x" + strconv.FormatUint(h.Sum64(), 36)
}

// errorTerm is in the facets of what Fails.
const errorTerm = "fails"

// facetsOf are the values of x that filters know, by their word.
func facetsOf(x *Exchange) [][2]string {
	out := make([][2]string, 0, 10)
	add := func(word, value string) {
		if value != "" {
			out = append(out, [2]string{word, value})
		}
	}
	add("service", x.Service)
	add("method", x.Method)
	add("listener", x.Listener)
	add("decision", string(x.Decision))
	for a := range strings.SplitSeq(x.Audience, ",") {
		add("audience", a)
	}
	for _, d := range driftsOf(x) {
		add("drift", d)
	}
	if x.Status > 0 {
		add("status", strconv.Itoa(x.Status))
		add("status", strconv.Itoa(x.Status/100)+"xx")
	}
	return out
}

//go:build bench

package bench

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"
)

// sqliteDrivers are by the names that they register.
var sqliteDrivers = map[string]string{"modernc": "sqlite"}

// BenchmarkDrivers does what the audit log's index does: adds records in batches,
// and searches them.
func BenchmarkDrivers(b *testing.B) {
	for name, driver := range sqliteDrivers {
		b.Run(name, func(b *testing.B) { driverAtWork(b, driver) })
	}
}

func driverAtWork(b *testing.B, driver string) {
	db, err := sql.Open(driver, "file:"+filepath.Join(b.TempDir(), "index.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, q := range []string{"PRAGMA journal_mode=wal", "PRAGMA synchronous=normal", "PRAGMA cache_size=-8000",
		"CREATE TABLE calls (seq INTEGER PRIMARY KEY, time INTEGER, path TEXT, status INTEGER)",
		"CREATE VIRTUAL TABLE words USING fts5 (facets, text, content='', contentless_delete=1)"} {
		if _, err := db.Exec(q); err != nil {
			b.Fatal(q, err)
		}
	}
	seq := 0
	r := rand.New(rand.NewPCG(1, 2))
	add := func(n int) {
		tx, err := db.Begin()
		if err != nil {
			b.Fatal(err)
		}
		for range n {
			seq++
			var text strings.Builder
			for range 120 {
				fmt.Fprintf(&text, "word%d ", min(7999, int(r.ExpFloat64()*1600)))
			}
			if _, err := tx.Exec("INSERT INTO calls VALUES (?, ?, ?, ?)", seq, seq, "/s/github/items", 200); err != nil {
				b.Fatal(err)
			}
			if _, err := tx.Exec("INSERT INTO words (rowid, facets, text) VALUES (?, ?, ?)", seq, fmt.Sprintf("s%d m%d", r.IntN(9), r.IntN(4)), text.String()); err != nil {
				b.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("add", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			if n%500 == 0 {
				add(500)
			}
		}
	})
	for seq < 50_000 {
		add(500)
	}
	b.Run("search", func(b *testing.B) {
		for b.Loop() {
			rows, err := db.Query("SELECT calls.* FROM words CROSS JOIN calls ON seq = words.rowid WHERE words MATCH ? ORDER BY words.rowid DESC LIMIT 100", "facets : s3 AND text : word77")
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for rows.Next() {
				n++
			}
			if err := rows.Err(); err != nil || n == 0 {
				b.Fatal(n, err)
			}
		}
	})
}

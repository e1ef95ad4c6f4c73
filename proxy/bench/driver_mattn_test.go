//go:build bench && sqlite_fts5

package bench

import _ "github.com/mattn/go-sqlite3" // needs cgo, and the tag for its FTS5

func init() { sqliteDrivers["mattn"] = "sqlite3" }

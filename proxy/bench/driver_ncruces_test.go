//go:build bench && !sqlite_fts5

package bench

import _ "github.com/ncruces/go-sqlite3/driver" // registers the name that mattn's does

func init() { sqliteDrivers["ncruces"] = "sqlite3" }

package proxy

import (
	"log/slog"
	"sync"

	"lockbox/proxy/audit"
)

// folder is where a state's calls leave the Python original's audit files. It
// can be flushed at any time, which audit.LocalDir can only by its end.
type folder struct {
	root string
	log  *slog.Logger

	mu  sync.Mutex
	dir *audit.LocalDir // nil after a flush, until the next write
}

func openFolder(root string, log *slog.Logger) (*folder, error) {
	dir, err := audit.OpenLocalDir(root, log)
	if err != nil {
		return nil, err
	}
	return &folder{root: root, log: log, dir: dir}, nil
}

// write queues the files of an exchange.
func (f *folder) write(x *audit.Exchange) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dir == nil {
		dir, err := audit.OpenLocalDir(f.root, f.log)
		if err != nil {
			f.log.Error("an audit file was not written", "service", x.Service, "why", err)
			return
		}
		f.dir = dir
	}
	f.dir.Write(x)
}

// flush returns when everything that was queued is written.
func (f *folder) flush() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dir == nil {
		return
	}
	if err := f.dir.Close(); err != nil {
		f.log.Error("the audit_log folder was not closed well: files may be missing", "folder", f.root, "why", err)
	}
	f.dir = nil
}

package ui

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockbox/ui/backend"
)

// TestAuditExport: what the words choose is written as each format; a cancelled
// export leaves what was there.
func TestAuditExport(t *testing.T) {
	s := openWith(t, testConfig, manyCalls(3000))
	s.window.open(pageAudit)
	p := s.audit
	p.bar.set("service:stripe status:5xx")
	s.until("the calls", func() bool { return p.matches > 0 })
	dir := t.TempDir()
	for _, x := range exportFormats {
		path := filepath.Join(dir, "calls."+string(x.format))
		p.export.begin(path, x.format)
		if got := p.export.items(); len(got) != len(exportFormats) || !got[0].Disabled {
			t.Error("a second export can be begun beside the first")
		}
		s.until("the end of the export", func() bool { return p.export.cancel == nil })
		if text := p.export.strip.shown; text.title != "Exported" || !strings.Contains(text.text, thousands(p.matches)+" records") {
			t.Errorf("%s: %+v", x.label, text)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		n := int64(0)
		switch x.format {
		case backend.JSONLines:
			n = int64(strings.Count(string(content), "\n"))
		case backend.CSV:
			rows, err := csv.NewReader(strings.NewReader(string(content))).ReadAll()
			if n = int64(len(rows) - 1); err != nil {
				t.Error(err)
			}
		default:
			var har struct{ Log struct{ Entries []any } }
			if err := json.Unmarshal(content, &har); err != nil {
				t.Error(err)
			}
			n = int64(len(har.Log.Entries))
		}
		if n != p.matches {
			t.Errorf("%s: %d records, want %d", x.label, n, p.matches)
		}
	}

	p.bar.set("")
	path := filepath.Join(dir, "kept.jsonl")
	if err := os.WriteFile(path, []byte("as it was"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.export.begin(path, backend.JSONLines)
	p.export.cancel()
	s.until("the end of the export", func() bool { return p.export.cancel == nil })
	if got, err := os.ReadFile(path); err != nil || string(got) != "as it was" || !strings.Contains(p.export.strip.shown.text, "cancelled") {
		t.Errorf("after a cancelled export: %d bytes, %v, %+v", len(got), err, p.export.strip.shown)
	}
	p.export.begin(filepath.Join(dir, "none", "\x00"), backend.CSV)
	s.until("the end of the export", func() bool { return p.export.cancel == nil })
	if got := p.export.strip.shown; got.mark != markFailed {
		t.Errorf("a file that cannot be: %+v", got)
	}
}

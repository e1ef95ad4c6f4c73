package ui

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAuditVerify: the page says that nothing was altered, and after a change what
// was.
func TestAuditVerify(t *testing.T) {
	s := openWith(t, testConfig, manyCalls(300))
	s.window.open(pageAudit)
	v := s.audit.verify
	verdict := func() notice {
		t.Helper()
		v.begin()
		if !v.item().Disabled {
			t.Error("a second one can be begun beside the first")
		}
		s.until("the verdict", func() bool { return v.cancel == nil })
		return v.strip.shown
	}
	if got := verdict(); got.mark != markGood || !strings.Contains(got.text, "All 300 records, from 1 to 300") {
		t.Errorf("untouched: %+v", got)
	}
	files, err := filepath.Glob(filepath.Join(s.b.View().StateDir, "audit", "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	lines[6] = bytes.Replace(lines[6], []byte(`"method":"`), []byte(`"method":"X`), 1)
	if err := os.WriteFile(files[0], bytes.Join(lines, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := verdict(); got.mark != markFailed || !strings.Contains(got.text, "Record 7 is altered") {
		t.Errorf("altered: %+v", got)
	}
}

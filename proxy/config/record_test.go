package config

import (
	"strings"
	"testing"
	"time"
)

func TestRecord(t *testing.T) {
	day := 24 * time.Hour
	for _, tc := range []struct {
		audit string
		want  Record
		dir   string // of AuditLog; "" is none
		err   string
	}{
		{`null`, defaultRecord, "", ""},
		{`{"root_dir": "/a"}`, defaultRecord, "/a", ""},
		{`{"required": false}`, Record{false, 90 * day, 4096 << 20, 64 << 10}, "", ""},
		{`{"keep_days": 7, "keep_mb": 100, "body_kb": 1}`, Record{true, 7 * day, 100 << 20, 1 << 10}, "", ""},
		{`{"keep_days": null, "keep_mb": 0, "body_kb": 0}`, Record{true, 0, 0, 0}, "", ""},
		{`{"type": "local_dir", "root_dir": "/a", "keep_days": 1}`, Record{true, day, 4096 << 20, 64 << 10}, "/a", ""},
		{`{"type": "local_dir", "keep_days": 1}`, Record{}, "", "audit_log/root_dir: is missing"},
		{`{}`, Record{}, "", "audit_log/root_dir: is missing"},
		{`{"keep_days": -1}`, Record{}, "", "audit_log/keep_days: must be a whole number from 0 to 36500, or null"},
		{`{"keep_mb": "1"}`, Record{}, "", "audit_log/keep_mb: must be a whole number"},
		{`{"body_kb": 1.5}`, Record{}, "", "audit_log/body_kb: must be a whole number from 0 to 1024"},
	} {
		c, err := Parse("f", []byte(`{"services": {}, "audit_log": `+tc.audit+`}`))
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%s: %v; want %s", tc.audit, err, tc.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tc.audit, err)
			continue
		}
		dir := ""
		if c.AuditLog != nil {
			dir = c.AuditLog.RootDir
		}
		if c.Record != tc.want || dir != tc.dir || len(c.Warnings) > 0 {
			t.Errorf("%s: got %+v, %q, %v; want %+v, %q", tc.audit, c.Record, dir, c.Warnings, tc.want, tc.dir)
		}
	}
}

// TestSetAuditLogKeepsTheRecord: the original's files come and go, and what is said
// of Lockbox's own record stays.
func TestSetAuditLogKeepsTheRecord(t *testing.T) {
	src := []byte(`{"services": {}, "audit_log": {"type": "local_dir", "root_dir": "/a", /* long */ "keep_days": 365}}`)
	out, err := SetAuditLog(src, nil)
	if want := `{"services": {}, "audit_log": {/* long */ "keep_days": 365}}`; err != nil || string(out) != want {
		t.Errorf("none: got %s, %v; want %s", out, err, want)
	}
	if out, err = SetAuditLog(out, &AuditLog{RootDir: "/b"}); err != nil {
		t.Fatal(err)
	}
	c, err := Parse("f", out)
	if err != nil || c.AuditLog == nil || c.AuditLog.RootDir != "/b" || c.Record.KeepAge != 365*24*time.Hour {
		t.Errorf("again: %s, %v", out, err)
	}
}

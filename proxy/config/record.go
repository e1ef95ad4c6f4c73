package config

import (
	"slices"
	"strconv"
	"time"

	"github.com/tailscale/hujson"
)

// Record says how calls are recorded, in Lockbox's own audit log.
type Record struct {
	Required bool // refuse calls that cannot be recorded; the default
	// KeepAge and KeepBytes are how long and how much of the record is kept at
	// most; 0 is without end.
	KeepAge   time.Duration
	KeepBytes int64
	BodyBytes int // how much of each body is kept
}

// defaultRecord is what is not said of it.
var defaultRecord = Record{Required: true, KeepAge: 90 * 24 * time.Hour, KeepBytes: 4096 << 20, BodyBytes: 64 << 10}

// auditLog reads the folder of the original's files, nil when none is asked for,
// and how Lockbox's own record is kept.
func (d *decoder) auditLog(v *hujson.Value, r *Record) *AuditLog {
	o := d.object(v, "audit_log")
	if o == nil {
		return nil
	}
	d.unknown(o, "audit_log/", auditLogKeys)
	d.record(o, r)
	a := &AuditLog{Type: LocalDir}
	kind := o.value("type")
	if s, ok := d.text(kind, "audit_log/type"); ok && s != LocalDir {
		d.fail(kind, "audit_log/type", "must be %q", LocalDir)
	}
	root := o.value("root_dir")
	if root == nil {
		if kind != nil || !o.hasAny(recordKeys) {
			d.missing(o, "audit_log/", "root_dir")
			return a
		}
		return nil
	}
	s, ok := d.text(root, "audit_log/root_dir")
	if !ok {
		return a
	}
	a.RootDir = s
	if err := checkRootDir(s); err != nil {
		d.fail(root, "audit_log/root_dir", "%v", err)
	} else if !absolute(s) {
		d.warn(root, "audit_log/root_dir", "is not an absolute path: it depends on the folder that Lockbox is started in")
	}
	return a
}

// recordKeys are those of audit_log that are about Lockbox's own record.
var recordKeys = auditLogKeys[2:]

func (o *object) hasAny(keys []string) bool {
	return slices.ContainsFunc(keys, func(k string) bool { return o.value(k) != nil })
}

func (d *decoder) record(o *object, r *Record) {
	r.Required = d.boolean(o.value("required"), "audit_log/required", r.Required)
	if n, ok := d.amount(o.value("keep_days"), "audit_log/keep_days", 36500); ok {
		r.KeepAge = time.Duration(n) * 24 * time.Hour
	}
	if n, ok := d.amount(o.value("keep_mb"), "audit_log/keep_mb", 1<<30); ok {
		r.KeepBytes = int64(n) << 20
	}
	if v := o.value("body_kb"); v != nil {
		if n, ok := d.amount(v, "audit_log/body_kb", 1024); ok {
			r.BodyBytes = n << 10
		}
	}
}

// amount reads a whole number from 0 to most; null is 0, and so is none at all
// not ok.
func (d *decoder) amount(v *hujson.Value, field string, most int) (n int, ok bool) {
	if v == nil {
		return 0, false
	}
	if isNull(v) {
		return 0, true
	}
	lit, isLit := v.Value.(hujson.Literal)
	n, err := strconv.Atoi(string(lit))
	if !isLit || err != nil || n < 0 || n > most {
		d.fail(v, field, "must be a whole number from 0 to %d, or null", most)
		return 0, false
	}
	return n, true
}

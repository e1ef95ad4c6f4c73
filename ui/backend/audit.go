package backend

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"

	"lockbox/proxy/audit"
	"lockbox/proxy/secret"
	"lockbox/vault"
)

// auditKeyRef is where the vault holds the key that signs the audit log.
var auditKeyRef = secret.KeychainRef("lockbox", "audit_key")

// Verdict is what VerifyAudit found.
type Verdict = audit.Verdict

func auditDir(o Options) string { return filepath.Join(o.StateDir, "audit") }

// auditKey reads the key that signs the audit log, and makes it where there is none
// yet.
func auditKey(ctx context.Context, s vault.Store) (key secret.Value, made bool, err error) {
	key, err = s.Get(ctx, auditKeyRef.Service, auditKeyRef.Field)
	if !errors.Is(err, secret.ErrNotFound) {
		return key, false, err
	}
	key = secret.New(rand.Text() + rand.Text())
	return key, true, s.Set(ctx, auditKeyRef.Service, auditKeyRef.Field, key)
}

// signAudit gives the audit log its key, once the vault has it. Without one the log
// is chained all the same, but who can write it can write it anew.
func (b *Backend) signAudit(ctx context.Context) {
	if b.auditSigned.Load() {
		return
	}
	key, made, err := auditKey(ctx, b.coming())
	if err != nil {
		b.opts.Logger.Warn("the audit log is not signed until the vault can be read", "why", err)
		return
	}
	if made {
		b.audit.SetNewKey(key)
	} else {
		b.audit.SetKey(key)
	}
	b.auditSigned.Store(true)
}

// VerifyAudit reads the whole audit log and follows its chain.
func (b *Backend) VerifyAudit(ctx context.Context, progress func(done, total int64)) (Verdict, error) {
	return b.audit.Verify(ctx, progress)
}

// unrecorded is the problem of calls that cannot be recorded.
func unrecorded(err error, lost int64) Notice {
	n := Notice{"Calls cannot be recorded", "They are refused until they can: " + Sentence(err.Error()), ""}
	if lost > 0 {
		n.Text = fmt.Sprintf("They go on without a record, %d so far: %s", lost, Sentence(err.Error()))
	}
	return n
}

// Bucket is a part of the timeline of the audit log.
type Bucket = audit.Bucket

// Value is a value that a filter of the audit log can have.
type Value = audit.Value

// Term is a part of a Query's words.
type Term = audit.Term

// Terms are the parts of a query's words, in their order.
func Terms(words string) ([]Term, error) { return audit.Terms(words) }

// Exchanges are the newest records that q chooses, newest first, without headers
// and bodies.
func (b *Backend) Exchanges(q Query) ([]Exchange, error) { return b.audit.List(q) }

// Exchange is a whole record, by its ID or its Seq.
func (b *Backend) Exchange(id string) (Exchange, error) { return b.audit.Get(id) }

// Matches is how many records q chooses.
func (b *Backend) Matches(ctx context.Context, q Query) (int64, error) {
	return b.audit.Matches(ctx, q)
}

// Timeline counts what q chooses in n parts of its time.
func (b *Backend) Timeline(ctx context.Context, q Query, n int) ([]Bucket, error) {
	return b.audit.Timeline(ctx, q, n)
}

// FilterValues are the values that a filter can have, the most frequent first.
func (b *Backend) FilterValues(ctx context.Context, word string) ([]Value, error) {
	return b.audit.Values(ctx, word)
}

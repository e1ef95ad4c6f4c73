package audit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"lockbox/proxy/secret"
)

// mark is a signed statement on the chain, in a file of its own. A head says that
// a record was the newest one at some time: what is missing after it was there. A
// checkpoint says that the records up to one were dropped because of their age or
// for room: the chain begins after it.
type mark struct {
	Seq  int64     `json:"seq"`
	Hash string    `json:"hash"`
	Time time.Time `json:"time"`
	// Signature is the HMAC-SHA256 of the fields above, "" while there was no key.
	Signature string `json:"signature"`
}

// The kinds of marks, which are signed along.
const (
	headKind       = "lockbox audit head"
	checkpointKind = "lockbox audit checkpoint"
)

func (m *mark) seal(kind string, key secret.Value) string {
	if key.IsZero() {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write(fmt.Appendf(nil, "%s\n%d\n%s\n%s", kind, m.Seq, m.Hash, m.Time.UTC().Format(time.RFC3339Nano)))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// sealed reports whether key signed m.
func (m *mark) sealed(kind string, key secret.Value) bool {
	return !key.IsZero() && hmac.Equal([]byte(m.Signature), []byte(m.seal(kind, key)))
}

// readMark returns nil where there is none.
func readMark(path string) (*mark, error) {
	text, err := os.ReadFile(path) //nolint:gosec // beside the log
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the audit log cannot be read: %w", err)
	}
	m := new(mark)
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", path, err)
	}
	return m, nil
}

// writeMark puts m in the place of the one before, whole or not at all.
func writeMark(path, kind string, m mark, key secret.Value) error {
	m.Time = m.Time.UTC()
	m.Signature = m.seal(kind, key)
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // beside the log
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err == nil {
		syncDir(path)
	}
	return err
}

// syncDir puts a file's new name to disk too, or the power may fail before it is there.
// Not every system can.
func syncDir(path string) {
	if dir, err := os.Open(filepath.Dir(path)); err == nil {
		_ = dir.Sync()
		_ = dir.Close()
	}
}

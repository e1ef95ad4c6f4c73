package audit_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/secret"
)

// statement is a head or a checkpoint, read by nothing but the package comment.
type statement struct {
	Seq                   int64
	Hash, Time, Signature string
}

func readStatement(path, kind, key string) (s statement, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, err
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(fmt.Appendf(nil, "%s\n%d\n%s\n%s", kind, s.Seq, s.Hash, s.Time))
	if base64.RawURLEncoding.EncodeToString(mac.Sum(nil)) != s.Signature {
		return s, fmt.Errorf("%s is not signed", path)
	}
	return s, nil
}

// check verifies a log as somebody else would, and returns how many records it has.
func check(dir, key string) (n int64, err error) {
	prev, seq := base64.RawURLEncoding.EncodeToString(make([]byte, 32)), int64(0)
	if c, err := readStatement(filepath.Join(dir, "checkpoint"), "lockbox audit checkpoint", key); err == nil {
		prev, seq = c.Hash, c.Seq
	} else if !os.IsNotExist(err) {
		return 0, err
	}
	head, err := readStatement(dir+".head", "lockbox audit head", key)
	if err != nil {
		return 0, err
	}
	signed := head.Seq <= seq
	names, err := filepath.Glob(filepath.Join(dir, "*.jsonl")) // in their order
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return 0, err
		}
		for line := range bytes.SplitSeq(text[:bytes.LastIndexByte(text, '\n')], []byte("\n")) {
			var r struct {
				ID         string
				Seq        int64
				Prev, Hash string
			}
			if err := json.Unmarshal(line, &r); err != nil {
				return 0, fmt.Errorf("after record %d: %w", seq, err)
			}
			begin := fmt.Sprintf(`{"id":"%s","seq":%d,"prev":"%s",`, r.ID, r.Seq, r.Prev)
			end := `,"hash":"` + r.Hash + `"}`
			content, ok := strings.CutPrefix(string(line), begin)
			content, ok2 := strings.CutSuffix(content, end)
			inner := sha256.Sum256([]byte(content))
			outer := sha256.Sum256(append([]byte(begin), inner[:]...))
			if !ok || !ok2 || r.Seq != seq+1 || r.Prev != prev || base64.RawURLEncoding.EncodeToString(outer[:]) != r.Hash {
				return 0, fmt.Errorf("record %d is not what was written", seq+1)
			}
			seq, prev = r.Seq, r.Hash
			signed = signed || seq == head.Seq && prev == head.Hash
			n++
		}
	}
	if !signed {
		return 0, fmt.Errorf("record %d is not what was signed", head.Seq)
	}
	return n, nil
}

// TestFormat: the package comment is enough to verify a log by.
func TestFormat(t *testing.T) {
	const key = "the key of the audit log"
	dir := filepath.Join(t.TempDir(), "audit")
	l, err := audit.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.SetKey(secret.New(key))
	big := &audit.Body{Text: strings.Repeat("<Straße> & \"quotes\"\n\x00 ", 50_000)}
	for i := range 50 {
		x := audit.Exchange{Time: time.Now(), Service: "s", Method: "GET", Path: "/ä b\xff", Status: 200, Decision: audit.Allowed,
			RequestHeader: http.Header{"User-Agent": {"a", "b"}, "X": nil}, ResponseBody: &audit.Body{Base64: []byte{0, 255}}}
		if i < 20 { // more than a file of the log takes
			x.RequestBody = big
		}
		if err := l.Append(&x); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		want := l.Count()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if n, err := check(dir, key); err != nil || n != int64(want) {
			t.Errorf("%d records, %v; want %d", n, err, want)
		}
		if l, err = audit.Open(dir); err != nil {
			t.Fatal(err)
		}
		l.SetKey(secret.New(key))
		l.SetRetention(audit.Retention{Bytes: 1})
		if err := l.Retain(time.Now()); err != nil || l.Count() >= 50 {
			t.Fatalf("%d records are left, %v", l.Count(), err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	text, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(names[0], bytes.Replace(text, []byte(`"status":200`), []byte(`"status":201`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := check(dir, key); err == nil {
		t.Error("a record that was altered passes")
	}
	if _, err := check(dir, "another key"); err == nil {
		t.Error("another key passes")
	}
}

package audit

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/secret"
)

var auditKey = secret.New("the key that signs the audit log, 32b")

// written is a closed log of n records in several files.
func written(t *testing.T, n int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "audit")
	l := open(t, dir)
	l.limit = 4 << 10
	l.SetKey(auditKey)
	for i := range n {
		add(t, l, "s", fmt.Sprint("/", i+1))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func verified(t *testing.T, dir string) Verdict {
	t.Helper()
	l, err := OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	v, err := l.VerifyWith(t.Context(), auditKey, func(_, _ int64) {})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// editLines rewrites one file of the log.
func editLines(t *testing.T, path string, edit func(lines [][]byte) [][]byte) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := edit(bytes.SplitAfter(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")))
	for i, l := range lines {
		lines[i] = append(bytes.TrimSuffix(l, []byte("\n")), '\n')
	}
	if err := os.WriteFile(path, bytes.Join(lines, nil), 0o600); err != nil {
		t.Fatal(err)
	}
}

// forged is a line with another path and a hash that fits.
func forged(t *testing.T, line []byte) []byte {
	t.Helper()
	l, err := readLink(bytes.TrimSuffix(line, []byte("\n")))
	if err != nil {
		t.Fatal(err)
	}
	head := appendHead(nil, l.id, l.seq, l.prev)
	content := bytes.Replace(line[len(head):bytes.LastIndex(line, []byte(`,"hash"`))], []byte(`"path":"/`), []byte(`"path":"/forged`), 1)
	return appendTail(append(bytes.Clone(head), content...), seal(head, sha256.Sum256(content)))
}

func TestTampering(t *testing.T) {
	const n = 60
	for _, tc := range []struct {
		name   string
		tamper func(t *testing.T, dir string, files []string)
		want   string // kinds and Seqs of the faults
	}{
		{"nothing", func(*testing.T, string, []string) {}, ""},
		{"a byte changed", func(t *testing.T, _ string, files []string) {
			editLines(t, files[1], func(l [][]byte) [][]byte {
				l[2] = bytes.Replace(l[2], []byte(`"status":200`), []byte(`"status":201`), 1)
				return l
			})
		}, "altered 3+0"},
		{"rewritten, with its hash", func(t *testing.T, _ string, files []string) {
			editLines(t, files[1], func(l [][]byte) [][]byte { l[2] = forged(t, l[2]); return l })
		}, "altered 3+0"},
		{"made unreadable", func(t *testing.T, _ string, files []string) {
			editLines(t, files[1], func(l [][]byte) [][]byte { l[2] = []byte("{}"); return l })
		}, "altered 3+0"},
		{"deleted", func(t *testing.T, _ string, files []string) {
			editLines(t, files[1], func(l [][]byte) [][]byte { return append(l[:2], l[3:]...) })
		}, "missing 3+0"},
		{"inserted", func(t *testing.T, _ string, files []string) {
			editLines(t, files[1], func(l [][]byte) [][]byte {
				return append(l[:3:3], append([][]byte{forged(t, l[1])}, l[3:]...)...)
			})
		}, "misplaced 2+0"},
		{"swapped", func(t *testing.T, _ string, files []string) {
			editLines(t, files[1], func(l [][]byte) [][]byte { l[2], l[3] = l[3], l[2]; return l })
		}, "misplaced 3+0"},
		{"cut off within the last file", func(t *testing.T, _ string, files []string) {
			editLines(t, files[len(files)-1], func(l [][]byte) [][]byte { return l[:1] })
		}, "truncated"},
		{"without the last file", func(t *testing.T, _ string, files []string) { remove(t, files[len(files)-1]) }, "truncated"},
		{"without the first file", func(t *testing.T, _ string, files []string) { remove(t, files[0]) }, "missing 1-"},
		{"without a file between", func(t *testing.T, _ string, files []string) { remove(t, files[1]) }, "missing"},
		{"without its head", func(t *testing.T, dir string, _ []string) { remove(t, dir+".head") }, "unsigned 0"},
		{"all rewritten, with hashes", func(t *testing.T, dir string, files []string) {
			var prev hash
			for _, f := range files {
				editLines(t, f, func(lines [][]byte) [][]byte {
					for i, line := range lines {
						l, _ := readLink(bytes.TrimSuffix(line, []byte("\n")))
						old := appendHead(nil, l.id, l.seq, l.prev)
						head := appendHead(nil, l.id, l.seq, prev)
						content := bytes.Replace(line[len(old):bytes.LastIndex(line, []byte(`,"hash"`))], []byte("200"), []byte("500"), 1)
						prev = seal(head, sha256.Sum256(content))
						lines[i] = appendTail(append(head, content...), prev)
					}
					return lines
				})
			}
		}, "altered 60"},
		{"a head of somebody else's", func(t *testing.T, dir string, _ []string) {
			m, _ := readMark(dir + ".head")
			if err := writeMark(dir+".head", headKind, *m, secret.New("another key")); err != nil {
				t.Fatal(err)
			}
		}, "unsigned 0"},
		{"a checkpoint of somebody else's", func(t *testing.T, dir string, files []string) {
			m := mark{Seq: 0, Time: time.Now()}
			line, _ := os.ReadFile(files[1])
			l, _ := readLink(bytes.SplitN(line, []byte("\n"), 2)[0])
			m.Seq, m.Hash = l.seq-1, l.prev.String()
			remove(t, files[0])
			if err := writeMark(filepath.Join(dir, "checkpoint"), checkpointKind, m, secret.New("another key")); err != nil {
				t.Fatal(err)
			}
		}, "unsigned 0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := written(t, n)
			files, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
			if err != nil || len(files) < 4 {
				t.Fatal(files, err)
			}
			line, _ := os.ReadFile(files[1])
			first, err := readLink(bytes.SplitN(line, []byte("\n"), 2)[0])
			if err != nil {
				t.Fatal(err)
			}
			tc.tamper(t, dir, files)
			v := verified(t, dir)
			kind, seq, _ := strings.Cut(tc.want, " ")
			if tc.want == "" {
				if !v.OK() || v.Records != n || v.Signed != n {
					t.Errorf("got %+v", v)
				}
				return
			}
			if len(v.Faults) != 1 || string(v.Faults[0].Kind) != kind {
				t.Fatalf("got %+v, want one %s", v.Faults, kind)
			}
			if place, ok := strings.CutSuffix(seq, "+0"); ok { // a line of the second file, from 1
				var i int64
				_, _ = fmt.Sscan(place, &i)
				if want := first.seq + i - 1; v.Faults[0].Seq != want || !strings.Contains(v.Faults[0].Text, fmt.Sprintf("record %d ", want)) {
					t.Errorf("got %+v, want record %d", v.Faults[0], want)
				}
			}
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// TestOldCopy puts the whole directory back to what it was.
func TestOldCopy(t *testing.T) {
	dir := written(t, 30)
	old := filepath.Join(t.TempDir(), "old")
	if err := os.CopyFS(old, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	l := open(t, dir)
	l.SetKey(auditKey)
	for range 10 {
		add(t, l, "s", "/later")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS(old)); err != nil {
		t.Fatal(err)
	}
	v := verified(t, dir)
	if len(v.Faults) != 1 || v.Faults[0].Kind != Truncated || v.Faults[0].Seq != 31 || v.Faults[0].End != 40 {
		t.Errorf("got %+v, want records 31 to 40 truncated", v.Faults)
	}
	// Going on with it hides nothing.
	for n := range 2 {
		l := open(t, dir)
		l.SetKey(auditKey)
		for range 10 {
			add(t, l, "s", "/after")
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if v := verified(t, dir); len(v.Faults) != 1 || v.Faults[0].Kind != Altered || v.Faults[0].Seq != 40 {
			t.Errorf("gone on with %d times: got %+v, want record 40 altered", n+1, v.Faults)
		}
	}
}

func TestRetention(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	l := open(t, dir)
	l.limit = 4 << 10
	l.SetKey(auditKey)
	for i := range 60 {
		add(t, l, "s", fmt.Sprint("/", i+1))
	}
	before := len(files(t, dir))
	if err := l.Retain(time.Now()); err != nil || l.Count() != 60 {
		t.Fatalf("without limits: %d records, %v", l.Count(), err)
	}
	l.SetRetention(Retention{Bytes: 10 << 10})
	if err := l.Retain(time.Now()); err != nil {
		t.Fatal(err)
	}
	if n := l.Count(); n >= 60 || n < 5 || len(files(t, dir)) >= before {
		t.Errorf("%d records in %d files are left, of 60 in %d", n, len(files(t, dir)), before)
	}
	xs, err := l.List(Query{Limit: 1000})
	if err != nil || len(xs) != l.Count() {
		t.Errorf("%d listed, %v; want %d", len(xs), err, l.Count())
	}
	add(t, l, "s", "/more")
	v, err := l.Verify(t.Context(), func(_, _ int64) {})
	if err != nil || !v.OK() || v.First != v.Dropped+1 || v.Dropped == 0 {
		t.Errorf("%+v, %v", v, err)
	}
	l.SetRetention(Retention{Age: time.Hour})
	if err := l.Retain(time.Now().Add(2 * time.Hour)); err != nil || l.Count() > 10 || l.Count() < 1 {
		t.Errorf("by age: %d records are left, %v; want the newest file's", l.Count(), err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if v := verified(t, dir); !v.OK() {
		t.Errorf("after opening again: %+v", v)
	}
}

package audit

import (
	"encoding/json"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files")

func TestLocalDirLayout(t *testing.T) {
	root := filepath.Join(t.TempDir(), "logs")
	d, err := OpenLocalDir(root, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	base := Exchange{
		ID: "0199a000-0000-7000-8000-000000000001", Time: time.Date(2026, 11, 23, 1, 2, 3, 456789000, time.FixedZone("CET", 3600)), Duration: 1500 * time.Millisecond,
		Service: "github", Method: "POST", Path: "/repos", Query: "a=1&a=2&b=3", Audience: "zapier", JTI: "j-1",
		RequestHeader: http.Header{"Content-Type": {"application/json"}, "Accept": {"a", "b"}},
		RequestBody:   &Body{Text: `{"x":1}`, Size: 7},
	}
	with := func(change func(*Exchange)) *Exchange {
		x := base
		change(&x)
		return &x
	}
	d.Write(with(func(x *Exchange) {
		x.Decision, x.Status, x.ResponseHeader, x.ResponseBody = Allowed, 201, http.Header{"Etag": {"e"}}, &Body{Text: "ok", Size: 2}
	}))
	d.Write(with(func(x *Exchange) {
		x.Service, x.Decision, x.Status, x.Reason, x.Audience = "refused", Refused, 401, "token_missing: There is no token.", ""
	}))
	d.Write(with(func(x *Exchange) {
		x.Service, x.Decision, x.Status, x.Reason = "down", Failed, 502, "upstream_unreachable: It did not answer."
	}))
	d.Write(with(func(x *Exchange) {
		x.Service, x.Decision, x.Status = "form", Allowed, 200
		x.RequestHeader = http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}
		x.RequestBody, x.ResponseBody = &Body{Text: "c=3&d=4"}, &Body{Base64: []byte{0xff, 0xfe}, Size: 2}
	}))
	for _, hostile := range []string{"", "..", ".", "../out", "a/b", `a\b`} {
		d.Write(with(func(x *Exchange) { x.Service = hostile }))
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
	d.Write(&base) // does nothing, and does not panic

	name := regexp.MustCompile(`^(github|refused|down|form)/2026-11-23/00-02-0[34]-[0-9a-f]{8}-[0-9a-f-]{27}\.json$`)
	var got []string
	err = filepath.WalkDir(filepath.Dir(root), func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if !name.MatchString(filepath.ToSlash(rel)) {
			t.Errorf("an unexpected file: %s", rel)
		}
		info, _ := e.Info()
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", rel, info.Mode())
		}
		text, err := os.ReadFile(path)
		var ev struct {
			Name string `json:"event_name"`
		}
		if json.Unmarshal(text, &ev) != nil {
			t.Errorf("%s is no JSON", rel)
		}
		got = append(got, strings.Split(rel, "/")[0]+" "+ev.Name+"\n"+string(text)+"\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	golden := filepath.Join("testdata", "local_dir.golden")
	text := strings.Join(got, "\n")
	if *update {
		if err := os.WriteFile(golden, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || text != string(want) {
		t.Errorf("the files are not as in %s (%v):\n%s", golden, err, text)
	}
}

func TestOpenLocalDirRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{file, filepath.Join(file, "below"), "/proc/nowhere"} {
		if _, err := OpenLocalDir(root, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "root_dir") {
			t.Errorf("%s: %v, want an error that names root_dir", root, err)
		}
	}
}

func TestLocalDirFollowsNoLinkOut(t *testing.T) {
	root, out := t.TempDir(), t.TempDir()
	if err := os.Symlink(out, filepath.Join(root, "github")); err != nil {
		t.Fatal(err)
	}
	d, err := OpenLocalDir(root, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	d.Write(&Exchange{Service: "github", Time: time.Now(), Decision: Allowed})
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(out); len(left) > 0 {
		t.Errorf("written outside: %v", left)
	}
}

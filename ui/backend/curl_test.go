//go:build unix

package backend

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"
)

// shell runs a line as a person would who pasted it.
func shell(t *testing.T, line, token string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "LOCKBOX_TOKEN=" + token}
	cmd.Dir = t.TempDir()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s\n%v: %s", line, err, out)
	}
	if left, err := os.ReadDir(cmd.Dir); err != nil || len(left) > 0 {
		t.Errorf("%s\nleft %v, %v", line, left, err)
	}
}

// Lines for curl make the same call again, through a real shell and curl.
func TestCurl(t *testing.T) {
	up := &got{}
	b, token := startBefore(t, up)
	bearer := []string{"Authorization", "Bearer " + token}
	var every strings.Builder
	for c := range 256 {
		every.WriteByte(byte(c))
	}
	typed := append([]string{"Content-Type", "text/x"}, bearer...)
	for _, tt := range []struct {
		name, method, path, body string
		headers                  []string
		line                     string // is in it
	}{
		{"simple", "GET", "/s/s/user", "", bearer, `-H "Authorization: Bearer $LOCKBOX_TOKEN"`},
		{"X-Lockbox-Token", "GET", "/s/s/user", "", []string{"X-Lockbox-Token", token}, `-H "X-Lockbox-Token: $LOCKBOX_TOKEN"`},
		{"token in the query", "GET", "/s/s/user?lockbox_token=" + token, "", nil, "/s/s/user \\\n"},
		{"token in the path", "GET", "/s/s/" + token + "/user", "", nil, "/s/s/user \\\n"},
		{"HEAD", "HEAD", "/s/s/user", "", bearer, "--head"},
		{"DELETE", "DELETE", "/s/s/user", "", bearer, "-X DELETE"},
		{"POST without a body", "POST", "/s/s/user", "", bearer, "-X POST"},
		{"GET with a body", "GET", "/s/s/user", "x", bearer, "-X GET"},
		{"a shell's letters in the address", "GET", "/s/s/a'b$(touch-x)`y`;z&w!~*?q='$HOME'&[1-3]&{a,b}&%20|%3C", "", bearer, "--globoff"},
		{"dots", "GET", "/s/s/a/./b//c/.d", "", bearer, "--path-as-is"},
		{"bytes in the address", "GET", "/s/s/\xff\u202egnp?\u200b=\xc3\xbc", "", bearer, `"$(printf %b '`},
		{"JSON", "POST", "/s/s/", `{"a": "it's $HOME \\ \n"}`, typed, "--data-raw '{"},
		{"a file's name", "POST", "/s/s/", "@/etc/passwd", typed, "--data-raw @/etc/passwd"},
		{"lines", "POST", "/s/s/", "a\nb\n\n", typed, "--data-raw 'a"},
		{"no type", "POST", "/s/s/", "a=b", bearer, "-H 'Content-Type:'"},
		{"every byte", "PUT", "/s/s/", every.String(), typed, "--data-binary @-"},
		{"escapes", "PUT", "/s/s/", "\x1b[2J\\c%s\\0101\r\n", typed, "printf %b "},
		{"a header's letters", "GET", "/s/s/", "", append([]string{"Accept", `'"$HOME"' \ ` + "`id`; \u202e\u2028"}, bearer...), `"$(printf %b 'Accept:`},
		{"an empty header", "GET", "/s/s/", "", append([]string{"Accept", ""}, bearer...), "-H 'Accept;'"},
		{"unpacked again", "GET", "/s/s/", "", append([]string{"Accept-Encoding", "gzip"}, bearer...), "--compressed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := call(t, b, tt.method, tt.path, tt.body, tt.headers...)
			want := up.last()
			line := CurlOf(b.View().BaseURL, x)
			if !strings.HasPrefix(line, "curl \\\n") && !strings.HasPrefix(line, "printf ") || !strings.Contains(line, tt.line) {
				t.Errorf("the line is %s\nand has no %s", line, tt.line)
			}
			if strings.Contains(line, token) || !utf8.ValidString(line) || strings.ContainsAny(line, "\x00\x1b\r\u202e\u2028\u200b") {
				t.Errorf("the line is %q", line)
			}
			shell(t, line, token)
			waitFor(t, "the record", func() bool { return newest(t, b).ID != x.ID })
			if up.last() != want {
				t.Errorf("the upstream got %s, want %s, by\n%s", up.last(), want, line)
			}
			if again := newest(t, b); again.JTI != x.JTI || again.Status != http.StatusOK || again.RequestHeader.Get("Accept") != x.RequestHeader.Get("Accept") && x.RequestHeader["Accept"] != nil {
				t.Errorf("the record is %+v, want one as %+v", again, x)
			}
		})
	}
}

// What is not on record is not made up.
func TestCurlOfAnUnfinishedRecord(t *testing.T) {
	b, token := startBefore(t, &got{})
	for name, x := range map[string]Exchange{
		"too long":  call(t, b, "PUT", "/s/s/", strings.Repeat("x", 100<<10), "Authorization", "Bearer "+token),
		"not taken": call(t, b, "POST", "/s/s/", "hello"),
		"encoded":   call(t, b, "PUT", "/s/s/", "hello", "Authorization", "Bearer "+token, "Content-Encoding", "br"),
	} {
		if line := CurlOf("http://127.0.0.1:8000", x); !strings.Contains(line, "--data-binary @BODY") || strings.Contains(line, "xxx") {
			t.Errorf("%s: %.300s, want a file BODY", name, line)
		}
	}
}

package vault

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"lockbox/proxy/secret"
)

func TestResolve(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) secret.Ref {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		path = filepath.ToSlash(path)
		return secret.Ref{Scheme: secret.File, Field: "/" + strings.TrimPrefix(path, "/")}
	}
	t.Setenv("VAULT_TEST_SET", "sk-env\n")
	t.Setenv("VAULT_TEST_EMPTY", "")
	env := func(name string) secret.Ref { return secret.Ref{Scheme: secret.Env, Field: name} }
	plain := write("plain", "sk-file")
	tests := []struct {
		name  string
		ref   secret.Ref
		want  string
		is    error
		words string
	}{
		{"a variable, as it is", env("VAULT_TEST_SET"), "sk-env\n", nil, ""},
		{"an empty variable", env("VAULT_TEST_EMPTY"), "", secret.ErrNotFound, "set the variable"},
		{"no variable", env("VAULT_TEST_UNSET"), "", secret.ErrNotFound, "env://VAULT_TEST_UNSET"},
		{"a file", plain, "sk-file", nil, ""},
		{"one line break goes", write("lf", "sk-file\n"), "sk-file", nil, ""},
		{"a Windows one too", write("crlf", "sk-file\r\n"), "sk-file", nil, ""},
		{"but one only", write("two", "sk-file\n\n"), "sk-file\n", nil, ""},
		{"a lone CR stays", write("cr", "sk-file\r"), "sk-file\r", nil, ""},
		{"spaces stay", write("space", " sk file "), " sk file ", nil, ""},
		{"an empty file", write("empty", ""), "", secret.ErrNotFound, "empty"},
		{"an empty line", write("line", "\n"), "", secret.ErrNotFound, "empty"},
		{"the largest", write("max", strings.Repeat("x", fileLimit)), strings.Repeat("x", fileLimit), nil, ""},
		{"too large", write("large", strings.Repeat("x", fileLimit+1)), "", nil, "1048576"},
		{"no file", secret.Ref{Scheme: secret.File, Field: plain.Field + "-none"}, "", secret.ErrNotFound, "no such file"},
		{"a directory", secret.Ref{Scheme: secret.File, Field: strings.TrimSuffix(plain.Field, "/plain")}, "", nil, "regular file"},
		{"below a file", secret.Ref{Scheme: secret.File, Field: plain.Field + "/x"}, "", nil, "x"},
		{"nothing", secret.Ref{}, "", nil, "not a reference"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Resolve(t.Context(), NewKeychain(), tt.ref)
			if got.Reveal() != tt.want || (err == nil) != (tt.want != "") {
				t.Fatalf("Resolve(%s): %d bytes, %v; want %d", tt.ref, got.Len(), err, len(tt.want))
			}
			if err == nil {
				return
			}
			if tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.words) || strings.Contains(err.Error(), "sk-") {
				t.Errorf("Resolve(%s): %v; want %v with %q", tt.ref, err, tt.is, tt.words)
			}
		})
	}
}

func TestLocalPath(t *testing.T) {
	if got := filepath.ToSlash(localPath("windows", "/C:/keys/x")); got != "C:/keys/x" {
		t.Errorf("on Windows: %q", got)
	}
	if got := localPath("linux", "/C:/keys/x"); got != filepath.FromSlash("/C:/keys/x") {
		t.Errorf("on Linux: %q", got)
	}
	if runtime.GOOS != "windows" {
		if got := localPath(runtime.GOOS, "/run/x"); got != "/run/x" {
			t.Errorf("here: %q", got)
		}
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	ref := func(name string) secret.Ref {
		return secret.Ref{Scheme: secret.File, Field: "/" + strings.TrimPrefix(filepath.ToSlash(filepath.Join(dir, name)), "/")}
	}
	for name, mode := range map[string]os.FileMode{"there": 0o644, "read-only": 0o400} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("old\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name, want string // of the error; "" for none
	}{
		{"there", ""}, {"read-only", "is read-only"}, {"missing", "there is no such file"}, {".", "not a regular file"},
	} {
		err := WriteFile(ref(tt.name), secret.New("new"))
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	if got, err := Resolve(t.Context(), NewKeychain(), ref("there")); err != nil || got.Reveal() != "new" {
		t.Errorf("it reads %d bytes, %v", got.Len(), err)
	}
	if info, err := os.Stat(filepath.Join(dir, "there")); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v; want mode 0600", info, err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "read-only")); err != nil || string(got) != "old\n" {
		t.Errorf("the read-only file has %q, %v", got, err)
	}
}

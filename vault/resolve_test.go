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

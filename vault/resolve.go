package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
)

// fileLimit bounds what is read for a file reference, in bytes.
const fileLimit = 1 << 20

// Resolve reads the secret that ref points at: keychain:// in s, env:// from
// this process's environment, file:// from a regular file of at most 1 MiB, less
// one line break at its end. errors.Is tells secret.ErrNotFound (an unset variable
// and an empty or absent file too), secret.ErrLocked and secret.ErrUnavailable.
func Resolve(ctx context.Context, s Store, ref secret.Ref) (secret.Value, error) {
	switch ref.Scheme {
	case secret.Keychain:
		return s.Get(ctx, ref.Service, ref.Field)
	case secret.Env:
		v := secret.New(os.Getenv(ref.Field))
		if v.IsZero() {
			return v, fmt.Errorf("cannot read %s: %w; set the variable where Lockbox is started", ref, secret.ErrNotFound)
		}
		return v, nil
	case secret.File:
		v, err := readFile(localPath(runtime.GOOS, ref.Field))
		if err != nil {
			return secret.Value{}, fmt.Errorf("cannot read %s: %w", ref, err)
		}
		return v, nil
	}
	return secret.Value{}, errors.New("not a reference: want keychain://service/field, env://NAME or file:///path")
}

func readFile(path string) (secret.Value, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return secret.Value{}, fmt.Errorf("%w; there is no such file", secret.ErrNotFound)
	case err != nil:
		return secret.Value{}, fmt.Errorf("%w: %w", secret.ErrUnavailable, err)
	case !info.Mode().IsRegular():
		// Opening a pipe could wait for its writer for ever.
		return secret.Value{}, errors.New("not a regular file; name one that holds the secret alone")
	}
	f, err := os.Open(path) //nolint:gosec // the path is the config's, the person's own choice
	if err != nil {
		return secret.Value{}, fmt.Errorf("%w: %w; let the account that runs Lockbox read it", secret.ErrUnavailable, err)
	}
	defer f.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(f, fileLimit+1))
	if err != nil {
		return secret.Value{}, fmt.Errorf("%w: %w", secret.ErrUnavailable, err)
	}
	if len(text) > fileLimit {
		return secret.Value{}, fmt.Errorf("the file has more than %d bytes; name one that holds the secret alone", fileLimit)
	}
	v := secret.New(trimLine(string(text)))
	if v.IsZero() {
		return v, fmt.Errorf("%w; the file is empty", secret.ErrNotFound)
	}
	return v, nil
}

// WriteFile puts a secret into the file of a file reference that is there
// already, whole or not at all, readable by its owner only.
func WriteFile(ref secret.Ref, value secret.Value) error {
	path := localPath(runtime.GOOS, ref.Field)
	if _, err := readFile(path); err != nil {
		return fmt.Errorf("cannot write %s: %w", ref, err)
	}
	return config.ReplaceFile(path, []byte(value.Reveal()))
}

// trimLine drops the one line break that editors end a file with.
func trimLine(s string) string {
	s, cut := strings.CutSuffix(s, "\n")
	if cut {
		s = strings.TrimSuffix(s, "\r")
	}
	return s
}

// localPath is a file reference's path as goos writes it: /C:/x is C:\x.
func localPath(goos, path string) string {
	if goos == "windows" && len(path) > 2 && path[2] == ':' {
		path = path[1:]
	}
	return filepath.FromSlash(path)
}

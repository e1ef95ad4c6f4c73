package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// Load reads and parses the file at path. An error of reading satisfies
// errors.Is with fs.ErrNotExist or fs.ErrPermission; one of parsing is
// Problems.
func Load(path string) (*Config, error) {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a folder: name the config file in it", path)
	}
	var src []byte
	if err == nil {
		src, err = os.ReadFile(path) // #nosec G304 -- the file that the user asked for
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no config file %s: name another one with --config or LOCKBOX_CONFIG_PATH: %w", path, cause(err))
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("the config file %s cannot be read: see that your user may read it: %w", path, cause(err))
	case err != nil:
		return nil, fmt.Errorf("the config file %s cannot be read: %w", path, cause(err))
	}
	c, err := Parse(path, src)
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 && c.hasLiteral() {
		c.Warnings = append(c.Warnings, Problem{
			File:    path,
			Message: "holds secrets and can be read by other users of this machine: run chmod 600 on it",
		})
	}
	return c, nil
}

// cause drops the operation and the path from an error, which ours names.
func cause(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	var linkErr *os.LinkError
	if errors.As(err, &linkErr) {
		return linkErr.Err
	}
	return err
}

// WriteFile puts src in the place of the config file at path, as ReplaceFile
// does.
func WriteFile(path string, src []byte) error {
	if err := ReplaceFile(path, src); err != nil {
		return fmt.Errorf("the config file %w", err)
	}
	return nil
}

// ReplaceFile puts src in the place of the file at path, whole or not at all,
// readable by its owner only. A symlink stays one: its target is replaced.
// Missing folders are made, with mode 0700. A file that is marked read-only is
// left alone. Its error begins with the path.
func ReplaceFile(path string, src []byte) error {
	return ReplaceFileBy(path, func(w io.Writer) error {
		_, err := w.Write(src)
		return err
	})
}

// ReplaceFileBy is ReplaceFile for what is written piece by piece. An error of
// write leaves what was there.
func ReplaceFileBy(path string, write func(io.Writer) error) error {
	target, err := resolve(path)
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, err)
	}
	if info, err := os.Lstat(target); err == nil {
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s cannot be written: it is not a regular file", path)
		}
		if info.Mode().Perm()&0o200 == 0 {
			return fmt.Errorf("%s is read-only: make it writable (chmod u+w) and save again: %w", path, fs.ErrPermission)
		}
	}
	if err := replace(target, write); err != nil {
		return fmt.Errorf("%s was not written: %w", path, explainWrite(target, cause(err)))
	}
	return nil
}

// resolve follows the symlinks at path, to a file that need not exist.
func resolve(path string) (string, error) {
	for range 40 { // as many as Linux follows
		link, err := os.Readlink(path)
		if err != nil {
			return path, nil // no link, or not there
		}
		if !filepath.IsAbs(link) {
			link = filepath.Join(filepath.Dir(path), link)
		}
		path = link
	}
	return "", errors.New("too many symbolic links")
}

func replace(target string, write func(io.Writer) error) (err error) {
	dir := filepath.Dir(target)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, "."+filepath.Base(target)+".*.tmp") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreNotExist(os.Remove(temp.Name())))
		}
	}()
	err = write(temp)
	if err == nil {
		err = temp.Sync()
	}
	if cerr := temp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(temp.Name(), target)
	}
	if err != nil {
		return err
	}
	return syncDir(dir)
}

func ignoreNotExist(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// syncDir makes the rename survive a power cut. Windows has no such call, and
// some file systems refuse it; the file is in place by then.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir) // #nosec G304 -- the folder of the config file
	if err != nil {
		return nil //nolint:nilerr // a folder that may be written but not read
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

// explainWrite adds the next step.
func explainWrite(target string, err error) error {
	dir := filepath.Dir(target)
	switch {
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%s is on a read-only file system: %w", dir, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("your user may not write in the folder %s: %w", dir, err)
	case errors.Is(err, syscall.EBUSY):
		return fmt.Errorf("it is mounted by itself: mount its folder instead: %w", err)
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("the disk is full: %w", err)
	}
	return err
}

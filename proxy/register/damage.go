package register

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// ErrUnread is why no token passes: which are revoked is not known.
var ErrUnread = errors.New("the list of tokens cannot be read")

// Damage is a line of the file that tells nothing. A revocation could be lost in
// it, so that it is not passed over.
type Damage struct {
	Path string
	Line int
	Why  error
}

func (d *Damage) Error() string {
	return fmt.Sprintf("line %d of the list of tokens %s cannot be read: mend the line, restore the file, or move it away and make a new signing key, since tokens that were revoked would be good again: %v", d.Line, d.Path, d.Why)
}

// Unwrap is what is wrong with the line.
func (d *Damage) Unwrap() error { return d.Why }

// Trouble is why the file cannot be read, nil when it was. Until it can, no token
// passes.
func (r *Register) Trouble() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.trouble
}

// troubled notes how reading went. mu must be held.
func (r *Register) troubled(err error) {
	if (err == nil) != (r.trouble == nil) {
		r.ended()
	}
	r.trouble = err
}

// SetAside copies a damaged file to the side, as it is, and puts in its place what
// can be read of it, with every token revoked that was made up to now: which of
// them were is not known. It returns where the copy is; "" if the file turned out
// to be good. A crash leaves the damaged file or the new one.
func (r *Register) SetAside(now time.Time) (copied string, err error) {
	r.disk.Lock()
	defer r.disk.Unlock()
	free, err := Hold(r.file.path)
	if err != nil {
		return "", unwritten(err)
	}
	defer free()
	err = r.read()
	if damage := (*Damage)(nil); !errors.As(err, &damage) {
		return "", err
	}
	text, err := os.ReadFile(r.file.path)
	if err != nil {
		return "", err
	}
	copied, err = copyAside(r.file.path, text, now)
	if err != nil {
		return "", fmt.Errorf("the damaged list of tokens was not copied, and is where it was: %w", err)
	}
	if err := r.file.replace(salvaged(text, now)); err != nil {
		return "", unwritten(err)
	}
	return copied, r.read()
}

// salvaged are the lines that can be read, and the end of every token.
func salvaged(text []byte, now time.Time) (out []line) {
	for one := range bytes.Lines(text) {
		if l, err := parse(one); err == nil {
			out = append(out, l)
		}
	}
	for _, l := range out { // the rule does not reach what claims to be made later
		if l.At > now.Unix() && l.ID != "" {
			out = append(out, line{Op: opRevoked, ID: l.ID, At: now.Unix()})
		}
	}
	return append(out, line{Op: opRule, At: now.Unix()})
}

// copyAside writes text beside the file, under a name that nothing has.
func copyAside(path string, text []byte, now time.Time) (copied string, err error) {
	pattern := filepath.Base(path) + "." + now.UTC().Format("20060102-150405") + "-*.damaged"
	f, err := os.CreateTemp(filepath.Dir(path), pattern) // for its owner alone
	if err != nil {
		return "", err
	}
	if _, err = f.Write(text); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

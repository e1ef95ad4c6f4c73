package backend

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"

	"lockbox/proxy/config"
)

// WindowState is what the window remembers from one run to the next. What is zero
// is not known.
type WindowState struct {
	Width  float32 `json:"width,omitempty"` // in the window's own units, as Height is
	Height float32 `json:"height,omitempty"`
	Page   string  `json:"page,omitempty"`
}

// maxState bounds a file that may be anyone's.
const maxState = 4 << 10

func windowPath(o Options) string { return filepath.Join(o.StateDir, "window.json") }

// WindowState is how the window was when the run before ended. It does no IO.
func (b *Backend) WindowState() WindowState { return b.lastWindow }

// KeepWindow remembers how the window is.
func (b *Backend) KeepWindow(_ context.Context, s WindowState) error {
	return keepState(windowPath(b.opts), s)
}

func keepState(path string, s any) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return config.ReplaceFile(path, append(text, '\n'))
}

// readState knows nothing where the file is missing or broken: nothing in it is worth
// a word to the person.
func readState[T any](path string) (s T) {
	f, err := os.Open(path) //nolint:gosec // our own state file
	if err != nil {
		return s
	}
	defer f.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(f, maxState))
	if err != nil || json.Unmarshal(text, &s) != nil {
		var none T
		return none
	}
	return s
}

package backend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Commands talk to the Lockbox that runs through a socket in the state directory,
// which only the person's own account can open: HTTP, for its framing, which no
// browser can be led to there.

const (
	controlTime = 30 * time.Second // that a command waits
	maxControl  = 1 << 10          // of what it asks for, in bytes
)

func controlPath(o Options) string { return filepath.Join(o.StateDir, "control.sock") }

// openControl answers commands until ctx ends. Without the socket Lockbox does
// without commands.
func (b *Backend) openControl(ctx context.Context, wg *sync.WaitGroup) {
	ln, err := listenControl(ctx, controlPath(b.opts))
	if err != nil {
		b.opts.Logger.Warn("commands cannot answer questions of this Lockbox", "why", err)
		return
	}
	srv := &http.Server{Handler: b.control(), ReadTimeout: controlTime, WriteTimeout: controlTime}
	wg.Go(func() { _ = srv.Serve(ln) }) // until it is closed
	wg.Go(func() {
		<-ctx.Done()
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if srv.Shutdown(limit) != nil {
			_ = srv.Close()
		}
	})
}

// listenControl takes the socket's place, unless a Lockbox that runs has it.
func listenControl(ctx context.Context, path string) (net.Listener, error) {
	if c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", path); err == nil {
		return nil, errors.Join(fmt.Errorf("another Lockbox answers at %s", path), c.Close())
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	return ln, nil
}

// control is what commands can ask for.
func (b *Backend) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /questions", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(b.Questions()) // the command may be gone
	})
	mux.HandleFunc("POST /questions/{id}", func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(io.LimitReader(r.Body, maxControl))
		if err == nil {
			err = b.answer(r.Context(), r.PathValue("id"), Answer(text), "a command")
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
		}
	})
	return mux
}

// Elsewhere is a Lockbox that runs with the same state directory, as a command
// reaches it.
type Elsewhere struct {
	path   string
	client *http.Client
}

// FindElsewhere is the Lockbox that runs with these options. Whether there is one
// shows when it is asked for something.
func FindElsewhere(o Options) *Elsewhere {
	path := controlPath(o)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	return &Elsewhere{path, &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}, Timeout: controlTime}}
}

// Questions are those of the one that runs.
func (r *Elsewhere) Questions(ctx context.Context) ([]Question, error) {
	text, err := r.ask(ctx, http.MethodGet, "/questions", "")
	if err != nil {
		return nil, err
	}
	var all []Question
	return all, json.Unmarshal(text, &all)
}

// Answer answers one of them.
func (r *Elsewhere) Answer(ctx context.Context, id string, a Answer) error {
	_, err := r.ask(ctx, http.MethodPost, "/questions/"+url.PathEscape(id), string(a))
	return err
}

func (r *Elsewhere) ask(ctx context.Context, method, path, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://lockbox"+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	res, err := r.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("no Lockbox answers at %s: start it, or say with --config which one runs (%w)", r.path, errors.Unwrap(err))
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = errors.New(strings.TrimSpace(string(text)))
	}
	return text, err
}

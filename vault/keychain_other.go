//go:build !linux

package vault

import (
	"context"
	"errors"
	"os/exec"
	"runtime"

	"github.com/zalando/go-keyring"

	"lockbox/proxy/secret"
)

const (
	platform = runtime.GOOS
	startOne = "use an account that has one"
)

// store runs go-keyring's calls, which know no deadline, one at a time: when one
// hangs, those after it give up at their own deadline and nothing piles up.
type store struct{ turn chan struct{} }

func newStore() store { return store{make(chan struct{}, 1)} }

// call runs f and waits for it until ctx ends; f then ends on its own.
func (s store) call(ctx context.Context, f func() error) error {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return &Error{State: Unanswering, Err: ctx.Err()}
	}
	done := make(chan error, 1)
	go func() {
		defer func() { <-s.turn }()
		done <- f()
	}()
	select {
	case err := <-done:
		return explain(err)
	case <-ctx.Done():
		return &Error{State: Unanswering, Err: ctx.Err()}
	}
}

func (s store) get(ctx context.Context, user string) (secret.Value, error) {
	found := make(chan secret.Value, 1)
	err := s.call(ctx, func() error {
		text, err := keyring.Get(itemService, foldName(platform, user))
		found <- secret.New(text)
		return err
	})
	if err != nil {
		return secret.Value{}, err
	}
	return <-found, nil
}

func (s store) set(ctx context.Context, user string, v secret.Value) error {
	return s.call(ctx, func() error { return keyring.Set(itemService, foldName(platform, user), v.Reveal()) })
}

func (s store) remove(ctx context.Context, user string) error {
	return s.call(ctx, func() error { return keyring.Delete(itemService, foldName(platform, user)) })
}

// ready looks for an item that does not exist: that shows no prompt.
func (s store) ready(ctx context.Context) error {
	if _, err := s.get(ctx, "?"); err != nil && !errors.Is(err, secret.ErrNotFound) {
		return err
	}
	return nil
}

// unlock has nothing to do: these systems ask the person by themselves.
func (s store) unlock(ctx context.Context) error { return s.ready(ctx) }

func (store) list(context.Context) ([]string, error) { return nil, errors.ErrUnsupported }

func explain(err error) error {
	var exit *exec.ExitError
	switch {
	case errors.Is(err, keyring.ErrNotFound):
		return secret.ErrNotFound
	case errors.Is(err, keyring.ErrUnsupportedPlatform):
		return &Error{State: NoService, Err: err}
	case errors.As(err, &exit):
		// Apple's SecBase.h: the command's status is the low byte of errSec…
		switch exit.ExitCode() {
		case 36, 51, 128: // InteractionNotAllowed, AuthFailed, userCanceled
			return &Error{State: Locked, Err: err}
		}
	}
	return err
}

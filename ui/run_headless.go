//go:build headless

package ui

import (
	"context"
	"errors"

	"lockbox/ui/backend"
)

// Run says that this build has no window.
func Run(context.Context, *backend.Backend, Options) error {
	return errors.New("this is the headless Lockbox, built without a window: run lockbox serve, or build with make build")
}

//go:build headless

package launch

import (
	"context"
	"errors"

	"lockbox/ui/backend"
)

// Window says that this build has no window.
func Window(context.Context, *backend.Backend, bool, <-chan struct{}) error {
	return errors.New("this is the headless Lockbox, built without a window: run lockbox serve, or build with make build")
}

//go:build !headless

package launch

import (
	"context"

	"lockbox/ui"
	"lockbox/ui/backend"
)

// Window shows the window and the tray icon and runs the backend, as ui.Run
// does. Each value of raise brings the window to the front.
func Window(ctx context.Context, b *backend.Backend, raise <-chan struct{}) error {
	return ui.Run(ctx, b, ui.Options{Raise: raise})
}

//go:build !headless

package launch

import (
	"context"

	"lockbox/ui"
	"lockbox/ui/backend"
)

// Window shows the window and the tray icon and runs the backend, as ui.Run
// does, hidden with the tray icon alone. Each value of raise brings the window to the front.
func Window(ctx context.Context, b *backend.Backend, hidden bool, raise <-chan struct{}) error {
	return ui.Run(ctx, b, ui.Options{Hidden: hidden, Raise: raise})
}

//go:build !linux && !darwin && !windows

package awake

import (
	"context"
	"errors"
)

// Hold keeps the computer awake until release is called, where Lockbox knows how.
func Hold(context.Context, string) (release func() error, err error) {
	return nil, errors.New("Lockbox does not know how to keep a computer of this kind awake: change that in its power settings") //nolint:staticcheck // a name
}

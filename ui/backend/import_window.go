package backend

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// maxImport bounds a file that is dropped on the window: it may be any.
const maxImport = 16 << 20

// Import is Keeper.Import while this Lockbox runs.
func (b *Backend) Import(ctx context.Context, r ImportRequest) (Imported, error) {
	b.edit.Lock()
	defer b.edit.Unlock()
	if err := b.unlocked(); err != nil {
		return Imported{}, err
	}
	info, err := os.Stat(r.File)
	switch {
	case err != nil:
		return Imported{}, err
	case info.IsDir():
		return Imported{}, errors.New("it is a folder: drop the config file that is in it")
	case !info.Mode().IsRegular():
		return Imported{}, errors.New("it is no file")
	case info.Size() > maxImport:
		return Imported{}, fmt.Errorf("it is too large for a config: no more than %d MiB are read", maxImport>>20)
	case sameFile(r.File, b.opts.ConfigPath):
		return Imported{}, errors.New("it is the config that is in use")
	}
	return b.keeper().Import(ctx, r)
}

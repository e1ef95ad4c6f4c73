package backend

import (
	"context"

	"lockbox/proxy/config"
)

// watch loads the config anew when its file was changed by someone else, until
// ctx ends.
func (b *Backend) watch(ctx context.Context) {
	trouble := func(err error) {
		b.opts.Logger.Warn("changes of the config file may go unnoticed: reload after one", "path", b.opts.ConfigPath, "why", err)
	}
	err := config.Watch(ctx, b.opts.ConfigPath, func() { b.fileChanged(ctx) }, trouble)
	if err != nil {
		trouble(err)
	}
}

// fileChanged loads a file that is not the one which was loaded last. Its own
// saves hold b.edit until they are loaded.
func (b *Backend) fileChanged(ctx context.Context) {
	b.edit.Lock()
	defer b.edit.Unlock()
	if seen := b.seen.Load(); ctx.Err() != nil || seen != nil && *seen == config.Fingerprint(b.opts.ConfigPath) {
		return
	}
	if err := b.load(ctx); err != nil {
		b.opts.Logger.Error("the config file was changed but not loaded, the old one goes on", "why", err)
		return
	}
	b.opts.Logger.Info("the config file was changed and is loaded", "path", b.opts.ConfigPath)
}

// loadConfig reads the config for the proxy and makes its vault ready. A change
// that was interrupted is taken back first.
func (b *Backend) loadConfig(ctx context.Context) (*config.Config, error) {
	cfg, err := config.Load(b.opts.ConfigPath)
	if err == nil {
		err = b.chooseVault(ctx, cfg)
	} else {
		b.lookAtVault(ctx, b.store())
	}
	if !b.changes.interrupted() {
		return cfg, err
	}
	// What the config says of the vault is no part of any change.
	if err := b.changes.settle(ctx, b.coming()); err != nil {
		if b.server.Config() == nil {
			b.inUse() // the vault that is to be unlocked
		}
		return nil, err
	}
	b.note()
	if cfg, err = config.Load(b.opts.ConfigPath); err != nil {
		return nil, err
	}
	return cfg, b.chooseVault(ctx, cfg)
}

// note remembers what is about to be loaded. Changed in between, it is loaded
// once more.
func (b *Backend) note() {
	print := config.Fingerprint(b.opts.ConfigPath)
	b.seen.Store(&print)
}

package backend

import (
	"context"
	"errors"
	"net"
	"os"

	"lockbox/proxy"
	"lockbox/proxy/config"
	"lockbox/proxy/secret"
)

// load reads the config anew and swaps it in. The problem it meets is in the
// View; the old config keeps serving.
func (b *Backend) load(ctx context.Context) error { return b.loadBy(ctx, b.server.Reload) }

func (b *Backend) loadBy(ctx context.Context, reload func(context.Context) (proxy.Report, error)) error {
	report, err := reload(ctx)
	if err != nil {
		next := "retry"
		if errors.Is(err, secret.ErrLocked) { // an interrupted change
			next = "unlock"
		}
		b.setProblem(Notice{"The config was not loaded", err.Error(), next})
		return err
	}
	b.say(report)
	return nil
}

// reloaded is told of each config that is in use from now on, whoever asked for
// it: there is nothing wrong with it.
func (b *Backend) reloaded() {
	b.inUse()
	b.mu.Lock()
	if b.status.phase != Stopped {
		b.status.problem = Notice{}
	}
	b.mu.Unlock()
	select {
	case b.newConfig <- struct{}{}:
	default: // it will be looked at
	}
	b.publish()
}

// Reload reads the config file and the secrets again, as POST /admin/reload does.
func (b *Backend) Reload(ctx context.Context) error {
	b.edit.Lock()
	defer b.edit.Unlock()
	return errors.Join(b.readTokens(), b.load(ctx))
}

// Retry does again what failed: writes the starter config, reads the list of
// tokens, loads, listens.
func (b *Backend) Retry(ctx context.Context) error {
	b.edit.Lock()
	defer b.edit.Unlock()
	if err := b.writeStarter(); err != nil {
		b.setProblem(Notice{"The config file cannot be written", Sentence(err.Error()), "retry"})
		return err
	}
	unread := b.readTokens()
	if err := b.load(ctx); err != nil {
		return errors.Join(unread, err)
	}
	if b.View().Phase != Stopped {
		return unread
	}
	ln, err := b.listen(ctx)
	if err != nil {
		return errors.Join(unread, err)
	}
	return errors.Join(unread, b.hand(ctx, ln))
}

// hand gives Run a listener to go on with.
func (b *Backend) hand(ctx context.Context, ln net.Listener) error {
	select {
	case b.retry <- ln:
		return nil
	case <-ctx.Done():
		return errors.Join(ctx.Err(), ln.Close())
	}
}

// writeStarter makes the first config, unless there is one or the person named
// another place.
func (b *Backend) writeStarter() error {
	path := b.opts.ConfigPath
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) || b.opts.ConfigPathExplicit {
		return nil // config.Load says what is wrong, if anything is
	}
	if err := config.WriteFile(path, starter); err != nil {
		return err
	}
	b.firstRun = true
	b.opts.Logger.Info("wrote a starter config", "path", path)
	return nil
}

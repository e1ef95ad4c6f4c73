package backend

import (
	"context"
	"sync"
)

// keepListeners has Lockbox listen where each config in use says, until ctx ends.
func (b *Backend) keepListeners(ctx context.Context, p *publicSide, wg *sync.WaitGroup) {
	for {
		select {
		case <-b.newConfig:
			if err := b.openPublic(ctx, p, wg); err != nil {
				b.opts.Logger.Error(err.Error())
			}
			b.moveListener(ctx)
			b.followConfig()
		case <-ctx.Done():
			return
		}
	}
}

// moveListener listens at the address of the config in use, before the old one is
// let go. Settings that are saved bring their own listener.
func (b *Backend) moveListener(ctx context.Context) {
	b.edit.Lock()
	defer b.edit.Unlock()
	addr := b.listenAddress()
	b.mu.Lock()
	stays := b.status.asked == addr || b.status.phase == Starting // Run is about to
	title := "Lockbox cannot listen at its new address"
	if b.status.phase == Stopped {
		title = "Lockbox cannot listen"
	}
	b.mu.Unlock()
	if stays {
		return
	}
	ln, err := b.listen(ctx)
	if err == nil {
		err = b.hand(ctx, ln)
	}
	if err != nil && ctx.Err() == nil {
		b.opts.Logger.Error("Lockbox does not listen at the address of the config", "why", err)
		b.setProblem(Notice{title, Sentence(err.Error()), "retry"})
	}
}

func (b *Backend) setAsked(addr string) {
	b.mu.Lock()
	b.status.asked = addr
	b.mu.Unlock()
}

package backend

import "context"

// stayAwake has keepAwake look again.
func (b *Backend) stayAwake() {
	select {
	case b.wakeful <- struct{}{}:
	default: // it will look
	}
}

// keepAwake keeps the computer from falling asleep while the tunnel is not closed,
// if the config says so, until ctx ends. Where that fails the tunnel is open all the
// same, and the window says so.
func (b *Backend) keepAwake(ctx context.Context) {
	var release func() error
	let := func() {
		if release == nil {
			return
		}
		if err := release(); err != nil {
			b.opts.Logger.Warn("this computer may be kept awake longer than needed", "why", err)
		}
		release = nil
	}
	defer let()
	for {
		cfg := b.server.Config()
		wanted := cfg != nil && cfg.Tunnel.KeepAwake && b.tunnel.State().Phase != TunnelClosed
		switch {
		case !wanted:
			let()
			b.setAwakeProblem(nil)
		case release == nil:
			var err error
			release, err = b.hold(ctx, "Callers on the internet reach Lockbox by its tunnel")
			if err == nil {
				b.opts.Logger.Info("this computer is kept awake while the tunnel is open")
			}
			b.setAwakeProblem(err)
		}
		select {
		case <-b.wakeful:
		case <-ctx.Done():
			return
		}
	}
}

func (b *Backend) setAwakeProblem(err error) {
	problem := ""
	if err != nil {
		problem = "this computer may fall asleep while the tunnel is open, and then callers do not reach it: " + err.Error()
	}
	b.mu.Lock()
	same := b.status.awakeProblem == problem
	b.status.awakeProblem = problem
	b.mu.Unlock()
	if same {
		return
	}
	if problem != "" {
		b.opts.Logger.Warn(problem)
	}
	b.publish()
}

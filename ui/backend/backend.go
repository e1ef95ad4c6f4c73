// Package backend is what both faces of Lockbox, the window and the commands,
// work on: it wires the proxy, the vault, the config file and the audit log
// together, and turns what a person does into steps that are done whole or not
// at all. Its methods may block on disk and keychain, and so belong off the
// window's main thread, but for View, Check, SetPaused and OnChange.
package backend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"lockbox/proxy"
	"lockbox/proxy/audit"
	"lockbox/proxy/config"
	"lockbox/proxy/drift"
	"lockbox/proxy/limit"
	"lockbox/proxy/register"
	"lockbox/proxy/secret"
	"lockbox/tunnel"
	"lockbox/tunnel/awake"
	"lockbox/vault"
)

// How long the keychain may take: to answer, and to be unlocked by a person.
const (
	answerTime = 3 * time.Second
	unlockTime = 2 * time.Minute
)

// Backend is a running Lockbox without its face.
type Backend struct {
	opts     Options
	vault    atomic.Pointer[vault.Store]
	changes  *journal
	next     atomic.Pointer[vault.Store] // of the config that is being loaded
	newVault chan struct{}               // another vault came into use
	found    found
	audit    *audit.Log
	tokens   *register.Register
	limits   *limit.Book
	habits   *drift.Tracker
	sighted  chan struct{} // a token was used in a new way, which is to be written down
	server   *proxy.Server
	tunnel   *tunnel.Tunnel
	diary    tunnelDiary // the tunnel's alone
	usage    *tunnelMeter
	glance   overviews                                                               // of the window
	hold     func(ctx context.Context, why string) (release func() error, err error) // awake.Hold
	wakeful  chan struct{}                                                           // whether the computer has to stay awake may have changed
	// auditSigned says that the audit log has its key.
	auditSigned atomic.Bool
	view        atomic.Pointer[View]
	firstRun    bool
	lastWindow  WindowState       // of the run before
	manners     Manners           // likewise
	newConfig   chan struct{}     // a config came into use since the listeners were looked at
	retry       chan net.Listener // a new listener for Run; nil: try the address again
	loaded      chan struct{}     // closed when Run has tried to load the config

	edit sync.Mutex             // held while the config file or the keychain is changed
	seen atomic.Pointer[string] // config.Fingerprint of what was loaded last, good or bad

	vaultSeen atomic.Int64 // the vault file's Changes before it was last read

	mu        sync.Mutex // guards what follows
	status    status
	panicked  time.Time // the panic that was obeyed last
	keysSeen  int       // register.KeyChanges when the keys were read
	listeners []func()
	leaks     map[string]Leak // by service
	known     known
}

// status is what the backend knows beside the proxy's own state.
type status struct {
	phase                 Phase
	problem               Notice
	listen                string // where it serves
	asked                 string // what was asked for that, with port 0 for instance
	public, publicProblem string // where the public side is served, or why not
	tunnelProblem         string // why the tunnel was not opened at the start
	awakeProblem          string // why the computer may fall asleep while it is open
	keySource             string
	keychain              vault.Status
	passphrase            secret.Value // of LOCKBOX_PASSPHRASE, until Lock
	token                 TokenDefaults
	drifts                []Drift // the newest first
}

// Open prepares everything but serves nothing yet. On a first start it writes
// the starter config. The errors it returns are final; what a person at a
// desktop can mend is in the View instead.
func Open(ctx context.Context, o Options) (*Backend, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	named, err := o.vaultOf(&config.Config{})
	if err != nil {
		return nil, err
	}
	b := &Backend{
		opts: o, found: found{log: o.Logger}, tokens: register.New(tokensPath(o), o.Logger), newConfig: make(chan struct{}, 1), newVault: make(chan struct{}, 1),
		sighted: make(chan struct{}, 1), retry: make(chan net.Listener), loaded: make(chan struct{}), hold: awake.Hold, wakeful: make(chan struct{}, 1), usage: newTunnelMeter(usagePath(o), o.Logger),
	}
	if err := b.loadTokens(); err != nil {
		return nil, err
	}
	log, err := audit.OpenWith(audit.Options{Dir: auditDir(o), Logger: o.Logger, Patient: true})
	if err != nil {
		return nil, fmt.Errorf("the audit log cannot be opened: %w", err)
	}
	b.audit, b.limits = log, limit.Open(limitsPath(o), o.Logger)
	b.status = status{phase: Starting, listen: config.DefaultListen, token: readTokenDefaults(b.settingsFile()), passphrase: o.Passphrase}
	b.opts.Passphrase = secret.Value{}
	first := o.newStore(named, b.passphrase) // until a config is loaded
	b.lastWindow = readState[WindowState](windowPath(o))
	b.manners = readState[Manners](mannersPath(o))
	b.vault.Store(&first)
	b.next.Store(&first)
	b.changes = newJournal(o, b.store)
	b.changes.reload = b.use
	if o.Listen != "" {
		b.status.listen = o.Listen
	}
	b.habits = drift.Open(habitsPath(o), o.Logger)
	b.server = proxy.New(proxy.Options{
		Metrics: o.Metrics, StoreSize: func() int64 { return sizeOf(auditDir(o)) },
		Load: func(ctx context.Context) (*config.Config, error) {
			b.note()
			return b.loadConfig(ctx)
		},
		Secret: b.loadSecret, Store: b.storeSecret, Keys: b.signingKeys,
		Register: b.tokens, Habits: b.habits, Audit: log, Limits: b.limits, Logger: o.Logger, Version: o.Version,
		OnReload: b.reloaded, OnRecord: b.publish, OnLockout: b.lockedOut, OnAsk: b.changed, OnDrift: b.drifted, OnLeak: b.leaked,
	})
	if err := b.newTunnel(o); err != nil {
		return nil, errors.Join(err, b.limits.Close(), b.habits.Close(), log.Close())
	}
	log.OnChange(b.changed)
	b.view.Store(&View{Phase: Starting, Tunnel: b.tunnel.State(), ConfigPath: o.ConfigPath, StateDir: o.StateDir, Version: o.Version})
	if err := b.writeStarter(); err != nil {
		if !o.Desktop {
			return nil, errors.Join(err, b.limits.Close(), b.habits.Close(), log.Close())
		}
		b.setProblem(Notice{"The config file cannot be written", Sentence(err.Error()), "retry"})
	}
	return b, nil
}

// Close ends what Open began. Call it when Run has returned.
func (b *Backend) Close() error {
	b.server.Close()
	return errors.Join(b.limits.Close(), b.tokens.Close(), b.habits.Close(), b.audit.Close())
}

// Run serves until ctx ends and the calls under way are done or cut off, within
// ten seconds. Without a desktop, a config that cannot be read or an address
// that cannot be listened on is returned; with one, it waits for Retry.
func (b *Backend) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	b.obeyPanic()
	loadErr := b.load(ctx)
	if loadErr != nil && !b.opts.Desktop {
		return loadErr
	}
	select {
	case <-b.newConfig: // the one that was just loaded
	default:
	}
	var public publicSide
	if err := b.openPublic(ctx, &public, &wg); err != nil && !b.opts.Desktop {
		return err
	}
	wg.Go(func() { // calls by the tunnel end while those on this machine do
		<-ctx.Done()
		b.tunnel.Close(byEnd)
	})
	if err := b.openAtStart(ctx); err != nil && b.opts.Tunnel && !b.opts.Desktop {
		return err
	}
	close(b.loaded)
	wg.Go(func() { b.keepListeners(ctx, &public, &wg) })
	wg.Go(func() { b.watch(ctx) })
	wg.Go(func() { b.watchVault(ctx) })
	wg.Go(func() { b.watchTokens(ctx) })
	wg.Go(func() { b.saveCalls(ctx) })
	wg.Go(func() { b.keepAwake(ctx) })
	wg.Go(func() { b.usage.keep(ctx, b.changed) })
	b.openControl(ctx, &wg)
	var next net.Listener
	for ctx.Err() == nil {
		ln, err := next, error(nil)
		if ln == nil {
			ln, err = b.listen(ctx)
		}
		switch {
		case err == nil:
			next, err = b.serve(ctx, ln, &wg)
		case b.opts.Desktop:
			b.mu.Lock()
			b.status.listen = b.listenAddress()
			b.mu.Unlock()
			b.setPhase(Stopped, Notice{"Lockbox cannot listen", Sentence(err.Error()), "retry"})
			next, err = b.await(ctx), nil
		}
		if err != nil && !b.opts.Desktop {
			return err
		}
	}
	b.setPhase(Stopped, Notice{})
	return nil
}

// await waits for a listener from Retry or SaveSettings; nil when ctx ended.
func (b *Backend) await(ctx context.Context) net.Listener {
	select {
	case ln := <-b.retry:
		return ln
	case <-ctx.Done():
		return nil
	}
}

// serve serves on ln until ctx ends, serving fails or another listener takes
// its place, which it returns. Calls under way on the old one are drained as
// wg's.
func (b *Backend) serve(ctx context.Context, ln net.Listener, wg *sync.WaitGroup) (next net.Listener, err error) {
	b.serving(ln.Addr().String())
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	wg.Go(func() { ended <- b.server.Serve(ctx, ln) })
	select {
	case next = <-b.retry:
		return next, nil
	case err = <-ended:
		return nil, err
	case <-ctx.Done():
		return nil, nil
	}
}

// listen opens the configured address.
func (b *Backend) listen(ctx context.Context) (net.Listener, error) {
	addr := b.listenAddress()
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use by another program: stop that one, or choose another address%s", addr, b.where())
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be listened on (%w): choose another address%s", addr, errors.Unwrap(err), b.where())
	}
	b.setAsked(addr)
	return ln, nil
}

// where says where the address is chosen.
func (b *Backend) where() string {
	if b.opts.Desktop {
		return " on the Settings page"
	}
	return " with --listen or in " + b.opts.ConfigPath
}

func (b *Backend) listenAddress() string {
	if b.opts.Listen != "" {
		return b.opts.Listen
	}
	if cfg := b.server.Config(); cfg != nil {
		return cfg.Listen
	}
	return config.DefaultListen
}

func (b *Backend) serving(addr string) {
	b.mu.Lock()
	b.status.phase, b.status.listen = Running, addr
	if b.server.Config() != nil {
		b.status.problem = Notice{}
	}
	b.mu.Unlock()
	b.opts.Logger.Info("serving", "address", baseURL(addr))
	b.publish()
}

func (b *Backend) setPhase(p Phase, n Notice) {
	b.mu.Lock()
	b.status.phase, b.status.problem = p, n
	b.mu.Unlock()
	b.publish()
}

func (b *Backend) setProblem(n Notice) {
	b.mu.Lock()
	b.status.problem = n
	b.mu.Unlock()
	b.publish()
}

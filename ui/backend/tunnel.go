package backend

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"unicode"

	"lockbox/proxy"
	"lockbox/proxy/config"
	"lockbox/proxy/secret"
	"lockbox/tunnel"
)

// TunnelState is how the tunnel is.
type TunnelState = tunnel.State

// TunnelTrouble is what is wrong with it.
type TunnelTrouble = tunnel.Trouble

// TunnelStep is one thing that DiagnoseTunnel has tried.
type TunnelStep = tunnel.Step

// Lockout is an address that is locked out of the public side.
type Lockout = proxy.Lockout

// The phases of the tunnel.
const (
	TunnelClosed  = tunnel.Closed
	TunnelOpening = tunnel.Opening
	TunnelOpen    = tunnel.Open
	TunnelLost    = tunnel.Lost
	TunnelClosing = tunnel.Closing
)

// mostLockouts bounds what the View shows of them.
const mostLockouts = 20

var (
	errNoAuthtoken = errors.New("there is no authtoken of ngrok's: copy yours from dashboard.ngrok.com/get-started/your-authtoken and enter it, or pipe it into: lockbox secret set " + config.TunnelAuthtoken.String())
	errPanicked    = errors.New("panic was called for: resume first")
)

// newTunnel makes the tunnel.
func (b *Backend) newTunnel(o Options) error {
	t, err := o.tunnel()
	t.Serve, t.OnChange = b.serveTunnel, b.tunnelChanged
	b.tunnel = tunnel.New(t)
	return err
}

// tunnel leads to ngrok's edge, or to the one that the options name.
func (o Options) tunnel() (tunnel.Options, error) {
	t := tunnel.Options{Logger: o.Logger, Version: o.Version}
	var err error
	if o.NgrokURL != "" {
		if t.Edge, err = tunnel.ParseEdge(o.NgrokURL); err != nil {
			return t, fmt.Errorf("LOCKBOX_NGROK_URL: %w", err)
		}
	}
	if o.NgrokCA != "" {
		pem, err := os.ReadFile(o.NgrokCA) //nolint:gosec // the person's own choice of file
		if err == nil {
			t.EdgeCAs, err = tunnel.ParseCAs(pem)
		}
		if err != nil {
			return t, fmt.Errorf("LOCKBOX_NGROK_CA: %s: %w", o.NgrokCA, err)
		}
	}
	return t, nil
}

// serveTunnel answers calls that come by the tunnel.
func (b *Backend) serveTunnel(ctx context.Context, ln net.Listener) error {
	return b.server.ServeTunnel(ctx, b.usage.listen(ln), b.tunnelHost, b.usage.call)
}

// tunnelPolicy is what ngrok can turn away by what the config says: callers whose
// addresses no service allows, and those that call too often. As long as one
// service is for anybody, so is the tunnel.
func tunnelPolicy(cfg *config.Config) tunnel.Policy {
	p := tunnel.Policy{Calls: cfg.Tunnel.Limit.Requests, Per: cfg.Tunnel.Limit.Per}
	from, public := []netip.Prefix{}, false
	for _, svc := range cfg.Services {
		switch {
		case !svc.Tunnel:
		case svc.AllowFrom == nil:
			return p
		default:
			from, public = append(from, svc.AllowFrom...), true
		}
	}
	if public {
		slices.SortFunc(from, netip.Prefix.Compare)
		p.AllowFrom = slices.Compact(from)
	}
	return p
}

// followConfig has the tunnel do as the config in use says.
func (b *Backend) followConfig() {
	if cfg := b.server.Config(); cfg != nil {
		b.tunnel.Guard(tunnelPolicy(cfg))
	}
	b.stayAwake()
}

// tunnelHost is the name that callers by the tunnel have to call.
func (b *Backend) tunnelHost() string {
	u, err := url.Parse(b.tunnel.State().URL)
	if err != nil {
		return ""
	}
	return u.Host
}

// OpenTunnel begins to open the tunnel, by the window, say. What keeps it from trying
// is the error; how it goes then is in the View.
func (b *Backend) OpenTunnel(ctx context.Context, by string) error {
	if err := b.unlocked(); err != nil {
		return err
	}
	cfg := b.server.Config()
	switch {
	case cfg == nil:
		return errors.New("there is no config yet: what the tunnel would serve is not known")
	case !b.tokens.Panicked().IsZero():
		return errPanicked
	}
	if err := b.server.CheckPublic(); err != nil {
		return err
	}
	token, err := b.authtoken(ctx, cfg)
	if err != nil {
		return err
	}
	b.opts.Logger.Info("the tunnel is being opened", "by", by)
	err = b.tunnel.Open(tunnel.Request{Authtoken: token, Domain: cfg.Tunnel.Domain, For: cfg.Tunnel.CloseAfter, By: by, Policy: tunnelPolicy(cfg)})
	if errors.Is(err, tunnel.ErrOpen) {
		return nil
	}
	return err
}

func (b *Backend) authtoken(ctx context.Context, cfg *config.Config) (secret.Value, error) {
	source := cfg.Tunnel.Authtoken
	if !source.IsRef() {
		return source.Literal, nil
	}
	v, err := b.secret(ctx, source.Ref)
	switch {
	case errors.Is(err, secret.ErrNotFound):
		return secret.Value{}, errNoAuthtoken
	case err != nil:
		return secret.Value{}, fmt.Errorf("ngrok's authtoken cannot be read: %w", err)
	}
	return secret.New(strings.TrimSpace(v.Reveal())), nil
}

// CloseTunnel closes the tunnel. It returns when calls that came by it are done, or
// cut off after some seconds.
func (b *Backend) CloseTunnel(by string) { b.tunnel.Close(by) }

// HasAuthtoken reports whether there is one of ngrok's.
func (b *Backend) HasAuthtoken(ctx context.Context) bool {
	cfg := b.server.Config()
	if cfg == nil {
		return false
	}
	_, err := b.authtoken(ctx, cfg)
	return err == nil
}

// CheckAuthtoken says what is wrong with an authtoken as it was typed.
func CheckAuthtoken(v secret.Value) error {
	switch s := strings.TrimSpace(v.Reveal()); {
	case s == "":
		return errNoAuthtoken
	case strings.HasPrefix(s, "ngrok "):
		return errors.New("that is the whole command: the authtoken is its last word")
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r > unicode.MaxASCII }):
		return errors.New("an authtoken is one word: copy it whole from dashboard.ngrok.com/get-started/your-authtoken")
	case strings.HasPrefix(s, "cr_"), strings.HasPrefix(s, "ak_"):
		return errors.New("that is the name of a credential: the authtoken itself is longer, see dashboard.ngrok.com/get-started/your-authtoken")
	}
	return nil
}

// SetAuthtoken puts ngrok's authtoken where the config says, and else into the
// vault, unless ngrok says that it is not good.
func (b *Backend) SetAuthtoken(ctx context.Context, v secret.Value) error {
	v = secret.New(strings.TrimSpace(v.Reveal()))
	if err := CheckAuthtoken(v); err != nil {
		return err
	}
	if err := b.tunnel.Check(ctx, v); err != nil {
		return err
	}
	b.edit.Lock()
	defer b.edit.Unlock()
	if err := b.unlocked(); err != nil {
		return err
	}
	cfg, _, err := b.readConfig(ctx)
	if err != nil {
		return err
	}
	ref := cfg.Tunnel.Authtoken.Ref
	if ref.Scheme != secret.Keychain {
		return fmt.Errorf("the config has the authtoken elsewhere: change it there, or write %q for tunnel/authtoken in %s", config.TunnelAuthtoken, b.opts.ConfigPath)
	}
	c := change{what: "keeping ngrok's authtoken"}
	c.set(ref, v)
	return b.changes.make(ctx, c, nil)
}

// TunnelSettings are what the config says of the tunnel, less the authtoken.
type TunnelSettings struct {
	Domain    string
	Start     bool // open at each start
	KeepAwake bool // while it is open, the computer does not fall asleep
	// PublicListen is where the public side is served for a tunnel that is not
	// Lockbox's; "" is nowhere.
	PublicListen string
}

// TunnelSettings are as the config has them.
func (b *Backend) TunnelSettings() TunnelSettings {
	if cfg := b.server.Config(); cfg != nil {
		return TunnelSettings{cfg.Tunnel.Domain, cfg.Tunnel.Start, cfg.Tunnel.KeepAwake, b.publicAddress()}
	}
	return TunnelSettings{}
}

// CheckTunnelSettings says what is wrong with them, by field: "domain" and
// "public_listen".
func (b *Backend) CheckTunnelSettings(s TunnelSettings) Fields {
	bad := Fields{}
	if err := config.CheckDomain(s.Domain); err != nil {
		bad["domain"] = "the domain " + err.Error()
	}
	if s.PublicListen == "" {
		return bad
	}
	if err := config.CheckPublicListen(s.PublicListen); err != nil {
		bad["public_listen"] = "the address " + err.Error()
	} else if _, port, _ := net.SplitHostPort(s.PublicListen); s.PublicListen == b.listenAddress() && port != "0" {
		bad["public_listen"] = "Lockbox serves callers on this computer there: choose another port"
	}
	return bad
}

// SaveTunnelSettings writes them into the config and puts them to use. The domain
// counts from when the tunnel is opened next.
func (b *Backend) SaveTunnelSettings(ctx context.Context, s TunnelSettings) error {
	s.Domain, s.PublicListen = strings.ToLower(strings.TrimSpace(s.Domain)), strings.TrimSpace(s.PublicListen)
	if bad := b.CheckTunnelSettings(s); len(bad) > 0 {
		return bad
	}
	b.edit.Lock()
	defer b.edit.Unlock()
	was := b.TunnelSettings()
	if s.PublicListen != was.PublicListen {
		if err := b.canServePublic(ctx, s.PublicListen); err != nil {
			return Fields{"public_listen": err.Error()}
		}
	}
	cfg, src, err := b.readConfig(ctx)
	if err != nil {
		return err
	}
	t := cfg.Tunnel
	t.Domain, t.Start, t.KeepAwake, t.Authtoken.Literal = s.Domain, s.Start, s.KeepAwake, secret.Value{}
	edited, err := config.SetTunnel(src, t)
	if err == nil && s.PublicListen != was.PublicListen {
		edited, err = config.SetPublicListen(edited, s.PublicListen)
	}
	if err != nil {
		return err
	}
	c := change{what: "changing the tunnel's settings"}
	c.write(b.opts.ConfigPath, edited)
	return b.changes.make(ctx, c, b.use)
}

// DiagnoseTunnel tries the way to ngrok, step by step.
func (b *Backend) DiagnoseTunnel(ctx context.Context) []TunnelStep { return b.tunnel.Diagnose(ctx) }

// openAtStart opens the tunnel if that was asked for with the command or in the
// config. A restart opens it for no other reason.
func (b *Backend) openAtStart(ctx context.Context) error {
	cfg, by := b.server.Config(), byCommand
	if !b.opts.Tunnel {
		if cfg == nil || !cfg.Tunnel.Start {
			return nil
		}
		by = byStart
	}
	err := b.OpenTunnel(ctx, by)
	if err != nil {
		err = fmt.Errorf("the tunnel is not opened: %w", err)
		b.opts.Logger.Error(err.Error())
		b.setTunnelProblem(err)
	}
	return err
}

func (b *Backend) setTunnelProblem(err error) {
	b.mu.Lock()
	b.status.tunnelProblem = ""
	if err != nil {
		b.status.tunnelProblem = err.Error()
	}
	b.mu.Unlock()
	b.publish()
}

// lockouts are the addresses that are locked out now, the last one first.
func (b *Backend) lockouts() []Lockout {
	all := b.server.Lockouts()
	slices.SortFunc(all, func(x, y Lockout) int { return y.Until.Compare(x.Until) })
	return all[:min(len(all), mostLockouts)]
}

// CallersURL is where callers from elsewhere reach Lockbox; "" is nowhere.
func (v View) CallersURL() string {
	if v.Tunnel.URL != "" {
		return v.Tunnel.URL
	}
	return v.PublicURL
}

// CallersAddress is where callers from elsewhere reach a service; "" is nowhere.
func (v View) CallersAddress(s ServiceInfo) string {
	base := v.CallersURL()
	if base == "" || !s.Public {
		return ""
	}
	return base + servicePath(s.Name)
}

func servicePath(name string) string { return "/s/" + url.PathEscape(name) }

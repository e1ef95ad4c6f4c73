package backend

import (
	"net"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"lockbox/proxy/audit"
	"lockbox/proxy/config"
	"lockbox/tunnel"
	"lockbox/vault"
)

// Phase is what the proxy is doing.
type Phase string

// The phases.
const (
	Starting Phase = "starting"
	Running  Phase = "running"
	Paused   Phase = "paused"
	Stopped  Phase = "stopped" // not listening; the View's Problem says why
)

// Exchange is a record of the audit log.
type Exchange = audit.Exchange

// Body is a body of an Exchange.
type Body = audit.Body

// Query chooses records of the audit log.
type Query = audit.Query

// View is all that the window and the tray show of the program's state, at one
// moment. It is never changed once it is out.
type View struct {
	Phase   Phase
	Problem Notice // what keeps the proxy from its work; zero when nothing does

	BaseURL          string // http://127.0.0.1:8000, no slash at the end
	Listen           string
	PublicURL        string // where the public side is served; "" is nowhere
	Tunnel           TunnelState
	Usage            TunnelUsage
	Lockouts         []Lockout // addresses that are locked out of the public side
	Drifts           []Drift   // tokens that were used in a new way, the newest first, where one wants to be told
	Leaks            []Leak    // the last notice of each service's
	ConfigPath       string
	StateDir         string
	SigningKeySource string // "keychain", or the path of the key's own file or of the vault file
	Version          string

	Unloaded  bool          // there is no config: it could not be read
	Locked    bool          // Lock is in force: no key is in memory
	Services  []ServiceInfo // by name
	Vault     VaultInfo
	Keychain  KeychainInfo // how the vault is, a file too
	Warnings  []string     // of the config
	PlainKeys int          // services whose key stands in the config itself
	Exchanges int          // on record
	// Unsearched is how many of them searches do not find yet.
	Unsearched int
	Panicked   time.Time // when the brake was pulled; zero when it is not
	Tokens     uint64    // changes when the list of tokens does
	Questions  int       // calls that wait for a person's answer, or did
	Asked      uint64    // changes when those questions do
	FirstRun   bool      // the starter config was written at this start
	Token      TokenDefaults
}

// Notice is a problem put into words, with what the person can do.
type Notice struct {
	Title, Text string
	Action      string // "", "retry", "unlock" or, for SetTokensAside, "aside"
}

// IsZero reports whether there is nothing to say.
func (n Notice) IsZero() bool { return n == Notice{} }

// ServiceInfo is a row of the services list.
type ServiceInfo struct {
	Name          string
	BaseURL       string
	Credential    string // none, or a config.CredentialType
	TokenRequired bool
	Public        bool // the public side serves it too
	AnyAudience   bool
	Audiences     []string // those allowed, when not AnyAudience
	Problem       string   // why it cannot serve now; "" when it can
	URL           string   // its address here
	Rules         int      // how many it has
	Limits        Limits   // for all callers together
	Limited       bool     // by those, or by some of its tokens
	Preset        *Preset  // the API that it looks like; nil is none that is known
}

// Service is the service of a name.
func (v View) Service(name string) (ServiceInfo, bool) {
	i, found := slices.BinarySearchFunc(v.Services, name, func(s ServiceInfo, name string) int { return strings.Compare(s.Name, name) })
	if !found {
		return ServiceInfo{}, false
	}
	return v.Services[i], true
}

// KeychainInfo says how the vault is.
type KeychainInfo struct {
	State     string // vault.State in words
	Message   string // a sentence and the next step; "" when it is fine
	CanUnlock bool   // Unlock may help: of a file, UnlockWith
}

// VaultInfo says which vault is used.
type VaultInfo struct {
	Name string // "keychain", or the vault file's path
	File bool   // it is a vault file, which UnlockWith opens
	New  bool   // there is no such file yet: UnlockWith makes it
}

// TokenDefaults are what a token from the tray is made with, and what becomes of
// its copy.
type TokenDefaults struct {
	Audience string        `json:"token_audience"`
	Lifetime time.Duration `json:"token_lifetime_ns"`
	// Clipboard is how long a copied token stays there; 0 is for ever.
	Clipboard time.Duration `json:"clipboard_ns"`
}

// View returns the current state. It does no IO.
func (b *Backend) View() View {
	v := *b.view.Load()
	v.Exchanges, v.Unsearched, v.Usage = b.audit.Count(), b.audit.Unsearched(), b.usage.now()
	v.Tokens, v.Panicked = b.tokens.Revision(), b.tokens.Panicked()
	desk := b.server.Approvals()
	v.Asked, v.Questions = desk.Revision(), desk.Open()
	return v
}

// OnChange has f called after anything in the View or the audit log changed,
// from any goroutine. f must not block, and must read the View itself: calls
// carry no data and may come in any number.
func (b *Backend) OnChange(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.listeners = append(b.listeners, f)
}

func (b *Backend) changed() {
	b.mu.Lock()
	listeners := slices.Clone(b.listeners)
	b.mu.Unlock()
	for _, f := range listeners {
		f()
	}
}

// publish makes a new View of what is known and tells the listeners.
func (b *Backend) publish() {
	b.mu.Lock() // until it is out: an older View must not come after a newer one
	b.view.Store(b.look())
	b.mu.Unlock()
	b.changed()
}

// look makes a View. b.mu must be held.
func (b *Backend) look() *View {
	s, cfg, report := b.status, b.server.Config(), b.server.Report()
	v := &View{
		Phase: s.phase, Problem: s.problem,
		Listen: s.listen, BaseURL: baseURL(s.listen), PublicURL: baseURL(s.public),
		Tunnel: b.tunnel.State(), Lockouts: b.lockouts(), Drifts: s.drifts, Leaks: b.lastLeaks(),
		ConfigPath: b.opts.ConfigPath, StateDir: b.opts.StateDir,
		SigningKeySource: s.keySource, Version: b.opts.Version,
		Keychain: KeychainInfo{State: s.keychain.State.String(), Message: s.keychain.Message, CanUnlock: canUnlock(s.keychain.State)},
		FirstRun: b.firstRun,
		Token:    s.token,
		Locked:   b.server.Locked(),
		Vault:    VaultInfo{Name: b.store().Name(), File: isFile(b.store())},
	}
	v.Vault.New = v.Vault.File && s.keychain.State == vault.Missing
	if s.phase == Running && b.server.Paused() {
		v.Phase = Paused
	}
	if v.Problem.IsZero() {
		v.Problem = b.trouble(v, report.KeyProblem)
	}
	v.Unloaded = cfg == nil && s.phase != Starting
	if cfg != nil {
		v.Warnings = s.warnings(report.Warnings, v.Tunnel.Phase)
		v.list(cfg.Services, report.Unavailable, b.presets(cfg))
	}
	return v
}

// trouble is what else keeps the proxy from its work.
func (b *Backend) trouble(v *View, keyProblem string) Notice {
	if keyProblem != "" && !v.Locked {
		n := Notice{"Service tokens cannot be checked", Sentence(keyProblem), "retry"}
		if v.Keychain.CanUnlock {
			n.Action = "unlock"
		}
		return n
	}
	if err := b.tokens.Trouble(); err != nil {
		return unread(err)
	}
	if lost, err := b.server.Unrecorded(); err != nil {
		return unrecorded(err, lost)
	}
	return Notice{}
}

// warnings are those of the config, and why the public side is not served.
func (s status) warnings(config []string, t tunnel.Phase) []string {
	all := slices.Clone(fewer(config))
	if s.publicProblem != "" {
		all = append(all, s.publicProblem)
	}
	if s.awakeProblem != "" && t != TunnelClosed {
		all = append(all, s.awakeProblem)
	}
	if s.tunnelProblem != "" && t == TunnelClosed {
		all = append(all, s.tunnelProblem)
	}
	return all
}

// list fills in the services.
func (v *View) list(services map[string]*config.Service, unavailable map[string]string, presets map[string]*Preset) {
	v.Services = make([]ServiceInfo, 0, len(services))
	for name, svc := range services {
		if hasKey(svc) {
			v.PlainKeys++
		}
		info := serviceInfo(svc, unavailable[name], v.BaseURL)
		info.Preset = presets[name]
		v.Services = append(v.Services, info)
	}
	slices.SortFunc(v.Services, func(a, b ServiceInfo) int { return strings.Compare(a.Name, b.Name) })
}

func serviceInfo(svc *config.Service, problem, base string) ServiceInfo {
	info := ServiceInfo{
		Name: svc.Name, BaseURL: svc.BaseURL.String(), Credential: "none",
		TokenRequired: svc.RequiresServiceToken, Public: svc.Tunnel,
		AnyAudience: svc.ValidAudiences == nil, Audiences: svc.ValidAudiences,
		Problem: problem,
		URL:     base + servicePath(svc.Name),
		Rules:   len(svc.Rules), Limits: svc.Limits, Limited: svc.Limited(),
	}
	if svc.Credential != nil {
		info.Credential = string(svc.Credential.Type)
	}
	return info
}

// baseURL is where a program on this machine reaches addr.
func baseURL(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

func isFile(s vault.Store) bool {
	_, ok := s.(*vault.File)
	return ok
}

func canUnlock(s vault.State) bool {
	return s == vault.Locked || s == vault.Missing || s == vault.Unanswering
}

// Sentence makes an error's text one that can stand alone.
func Sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	r, size := utf8.DecodeRuneInString(s)
	s = string(unicode.ToUpper(r)) + s[size:]
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}

// Curl is a line that works at once: it calls the built-in demo service, or the
// first one that wants no token. It is empty when there is none.
func (v View) Curl() string {
	best := ""
	for _, s := range v.Services {
		if !s.TokenRequired && s.Problem == "" && (best == "" || s.Name == "demo") {
			best = s.URL
		}
	}
	if best == "" {
		return ""
	}
	return "curl " + best + "/hello"
}

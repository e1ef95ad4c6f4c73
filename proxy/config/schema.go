// Package config reads, checks and edits Lockbox's configuration: one JSON
// file with comments and trailing commas (HuJSON) that holds the services,
// their rules, and references to their secrets. It takes the files of the
// Python original unchanged.
package config

import (
	"net/netip"
	"net/url"
	"time"
)

// DefaultListen is where the local listener is when the file does not say.
const DefaultListen = "127.0.0.1:8000"

// What a service waits for when its file does not say.
const (
	DefaultConnectTimeout = 5 * time.Second
	DefaultReadTimeout    = 30 * time.Second
)

// LocalDir is the one kind of AuditLog: the original's files in a folder.
const LocalDir = "local_dir"

// Config is a file that was read and found good.
type Config struct {
	Services map[string]*Service // by name, never nil
	Record   Record              // how calls are recorded
	AuditLog *AuditLog           // nil: none
	Listen   string              // host:port, DefaultListen when unset
	// PublicListen is where the public side is served, on the loopback
	// interface; "" is nowhere.
	PublicListen string
	// UseProxyEnv sends calls to upstreams through the proxy that HTTPS_PROXY
	// and the like name.
	UseProxyEnv bool
	Vault       Vault     // where keychain:// references lead
	Tunnel      Tunnel    // Lockbox's own
	Brake       Brake     // of the public side
	Ask         Asking    // where a rule wants a person asked
	Drift       Drift     // of services that do not say
	Warnings    []Problem // what loads but wants a look, in file order
}

// AuditLog asks for the Python original's audit files next to Lockbox's own.
type AuditLog struct {
	Type    string // LocalDir
	RootDir string // as written, never empty
}

// Service is one upstream, its credential and its rules.
type Service struct {
	Name string
	// BaseURL is absolute and has no trailing slash, query, fragment or user.
	// Its scheme is http, https, or lockbox: lockbox://demo is the built-in
	// echo.
	BaseURL              *url.URL
	Credential           *Credential // nil: none
	RequiresServiceToken bool
	ValidAudiences       []string      // nil: any; empty but not nil: none
	ConnectTimeout       time.Duration // 0: none
	ReadTimeout          time.Duration // 0: none
	AllowRedirects       bool
	DefaultHeaders       []DefaultHeader // in file order
	Tunnel               bool            // reachable on the public side; needs RequiresServiceToken
	// AllowFrom is where its callers on the public side may come from; nil: anywhere.
	AllowFrom      []netip.Prefix
	TokenInQuery   bool  // the service token may come as ?lockbox_token=
	TokenInPath    bool  // or as the first segment of the path
	AllowLinkLocal bool  // its upstream may have a link-local address
	Drift          Drift // "": the Config's
	LeakGuard      LeakGuard
	// Rules say what its callers may do, in order; nil: anything.
	Rules []Rule

	Limits    Limits // of all its callers together
	EachToken Limits // of each token by itself
	// TokenLimits are those that some tokens have in place of EachToken, by their
	// id or their audience.
	TokenLimits map[string]Limits
	// Duplicates is how long a call that writes is not made twice; 0: it is.
	Duplicates time.Duration
}

// LeakGuard says what becomes of an answer that holds the service's credential.
type LeakGuard string

// What the leak guard does.
const (
	LeakGuardOn     LeakGuard = ""       // "on" in the file; replaces the credential wherever it can read
	LeakGuardStrict LeakGuard = "strict" // and lets nothing pass that it cannot read
	LeakGuardOff    LeakGuard = "off"
)

// NewService is a service with the defaults of the file format: a service
// token is needed, of any audience, and redirects go back to the caller.
func NewService(name string, baseURL *url.URL) *Service {
	return &Service{
		Name:                 name,
		BaseURL:              baseURL,
		RequiresServiceToken: true,
		ConnectTimeout:       DefaultConnectTimeout,
		ReadTimeout:          DefaultReadTimeout,
	}
}

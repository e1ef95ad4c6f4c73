package backend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lockbox/proxy/config"
)

// What a token from the tray is made with until the person chooses otherwise.
const (
	defaultAudience = "desktop"
	defaultLifetime = 30 * 24 * time.Hour
	// defaultClipboard is how long password managers leave things there.
	defaultClipboard = time.Minute
)

// Settings are what the Settings page shows and changes.
type Settings struct {
	Listen   string // host:port of the proxy
	AuditDir string // where the original's audit files go; "" for none
	Drift    DriftChoice
	TokenDefaults
}

// Settings returns the settings as they are.
func (b *Backend) Settings() Settings {
	s := Settings{Listen: b.listenAddress(), TokenDefaults: b.View().Token}
	cfg := b.server.Config()
	if s.Drift = DriftMark; cfg != nil {
		s.Drift = cfg.Drift
	}
	if cfg != nil && cfg.AuditLog != nil {
		s.AuditDir = cfg.AuditLog.RootDir
	}
	return s
}

// CheckSettings says what is wrong with settings, by field: "listen",
// "audit_dir", "drift", "audience" and "lifetime".
func (b *Backend) CheckSettings(s Settings) Fields {
	bad := Fields{}
	if err := config.CheckListen(s.Listen); err != nil {
		bad["listen"] = "the address " + err.Error()
	}
	if err := config.CheckAudience(s.Audience); err != nil {
		bad["audience"] = "the audience " + err.Error()
	}
	if err := config.CheckDrift(s.Drift); err != nil {
		bad["drift"] = "the choice " + err.Error()
	}
	if s.Lifetime <= 0 {
		bad["lifetime"] = "a token must be valid for some time"
	}
	if s.AuditDir != "" && !filepath.IsAbs(s.AuditDir) {
		bad["audit_dir"] = "write the whole path, from / on"
	}
	return bad
}

// SaveSettings applies settings: a new address is listened on before the old
// one is let go. On failure nothing has changed.
func (b *Backend) SaveSettings(ctx context.Context, s Settings) error {
	b.edit.Lock()
	defer b.edit.Unlock()
	s.Listen, s.AuditDir, s.Audience = strings.TrimSpace(s.Listen), strings.TrimSpace(s.AuditDir), strings.TrimSpace(s.Audience)
	if bad := b.CheckSettings(s); len(bad) > 0 {
		return bad
	}
	was := b.Settings()
	c := change{what: "changing the settings"}
	if err := b.editConfig(ctx, was, s, &c); err != nil {
		return err
	}
	if s.TokenDefaults != was.TokenDefaults {
		text, err := json.MarshalIndent(s.TokenDefaults, "", "  ")
		if err != nil {
			return err
		}
		c.write(b.settingsFile(), append(text, '\n'))
	}
	var ln net.Listener
	if s.Listen != was.Listen {
		if b.opts.Listen != "" {
			return fmt.Errorf("the address was given by --listen at the start, which wins over this setting")
		}
		var err error
		if ln, err = (&net.ListenConfig{}).Listen(ctx, "tcp", s.Listen); err != nil {
			return Fields{"listen": "cannot be listened on: " + reason(err)}
		}
	}
	err := b.changes.make(ctx, c, func(ctx context.Context) error { return b.useSettings(ctx, was, s, &ln) })
	if err != nil {
		if ln != nil {
			err = errors.Join(err, ln.Close())
		}
		return err
	}
	b.mu.Lock()
	b.status.token = s.TokenDefaults
	b.mu.Unlock()
	b.publish()
	return nil
}

// useSettings puts saved settings to use. ln is nil from when it serves on.
func (b *Backend) useSettings(ctx context.Context, was, s Settings, ln *net.Listener) error {
	if s.inConfig() != was.inConfig() {
		if err := b.use(ctx); err != nil {
			return err
		}
	}
	if *ln == nil {
		return nil
	}
	handed := *ln
	*ln = nil // hand closes it where it fails
	if err := b.hand(ctx, handed); err != nil {
		return err
	}
	b.setAsked(s.Listen)
	return nil
}

// reason is the last word of a network error: "address already in use".
func reason(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

// editConfig adds what settings change in the config file.
func (b *Backend) editConfig(ctx context.Context, was, s Settings, c *change) error {
	if s.inConfig() == was.inConfig() {
		return nil
	}
	_, edited, err := b.readConfig(ctx)
	if err != nil {
		return err
	}
	if s.Listen != was.Listen {
		if edited, err = config.SetListen(edited, s.Listen); err != nil {
			return err
		}
	}
	if s.AuditDir != was.AuditDir {
		var a *config.AuditLog
		if s.AuditDir != "" {
			a = &config.AuditLog{Type: "local_dir", RootDir: s.AuditDir}
		}
		if edited, err = config.SetAuditLog(edited, a); err != nil {
			return err
		}
	}
	if s.Drift != was.Drift {
		if edited, err = config.SetDrift(edited, s.Drift); err != nil {
			return err
		}
	}
	c.write(b.opts.ConfigPath, edited)
	return nil
}

// inConfig is the part of s that is in the config file.
func (s Settings) inConfig() Settings {
	s.TokenDefaults = TokenDefaults{}
	return s
}

func (b *Backend) settingsFile() string { return settingsPath(b.opts) }

// readTokenDefaults takes the defaults where the file is missing or broken:
// nothing in it is worth refusing to start for.
func readTokenDefaults(path string) TokenDefaults {
	d := TokenDefaults{defaultAudience, defaultLifetime, defaultClipboard}
	text, err := os.ReadFile(path) //nolint:gosec // our own state file
	if err != nil {
		return d
	}
	saved := d // for what an older Lockbox did not write
	if json.Unmarshal(text, &saved) == nil && config.CheckAudience(saved.Audience) == nil && saved.Lifetime > 0 && saved.Clipboard >= 0 {
		return saved
	}
	return d
}

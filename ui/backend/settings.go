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
)

// Settings are what the Settings page shows and changes.
type Settings struct {
	Listen   string // host:port of the proxy
	AuditDir string // where the original's audit files go; "" for none
	TokenDefaults
}

// Settings returns the settings as they are.
func (b *Backend) Settings() Settings {
	s := Settings{Listen: b.listenAddress(), TokenDefaults: b.View().Token}
	if cfg := b.server.Config(); cfg != nil && cfg.AuditLog != nil {
		s.AuditDir = cfg.AuditLog.RootDir
	}
	return s
}

// CheckSettings says what is wrong with settings, by field: "listen",
// "audit_dir", "audience" and "lifetime".
func (b *Backend) CheckSettings(s Settings) Fields {
	bad := Fields{}
	if err := config.CheckListen(s.Listen); err != nil {
		bad["listen"] = "the address " + err.Error()
	}
	if err := config.CheckAudience(s.Audience); err != nil {
		bad["audience"] = "the audience " + err.Error()
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
	var steps undo
	was := b.Settings()
	var ln net.Listener
	if s.Listen != was.Listen {
		if b.opts.Listen != "" {
			return fmt.Errorf("the address was given by --listen at the start, which wins over this setting")
		}
		var err error
		if ln, err = (&net.ListenConfig{}).Listen(ctx, "tcp", s.Listen); err != nil {
			return Fields{"listen": "cannot be listened on: " + reason(err)}
		}
		steps.push(ln.Close)
	}
	if s.Listen != was.Listen || s.AuditDir != was.AuditDir {
		if err := b.editConfig(ctx, was, s, &steps); err != nil {
			return steps.all(err)
		}
	}
	if s.TokenDefaults != was.TokenDefaults {
		if err := b.writeTokenDefaults(s.TokenDefaults); err != nil {
			return steps.all(err)
		}
	}
	if ln != nil {
		if err := b.hand(ctx, ln); err != nil {
			return steps.all(err)
		}
		b.setAsked(s.Listen)
	}
	b.publish()
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

func (b *Backend) editConfig(ctx context.Context, was, s Settings, steps *undo) error {
	_, src, err := b.readConfig()
	if err != nil {
		return err
	}
	edited := src
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
	return b.replace(ctx, src, edited, steps)
}

func (b *Backend) settingsFile() string { return filepath.Join(b.opts.StateDir, "settings.json") }

func (b *Backend) writeTokenDefaults(d TokenDefaults) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	if err := config.WriteFile(b.settingsFile(), append(text, '\n')); err != nil {
		return err
	}
	b.mu.Lock()
	b.status.token = d
	b.mu.Unlock()
	return nil
}

// readTokenDefaults takes the defaults where the file is missing or broken:
// nothing in it is worth refusing to start for.
func readTokenDefaults(path string) TokenDefaults {
	d := TokenDefaults{defaultAudience, defaultLifetime}
	text, err := os.ReadFile(path) //nolint:gosec // our own state file
	if err != nil {
		return d
	}
	var saved TokenDefaults
	if json.Unmarshal(text, &saved) == nil && config.CheckAudience(saved.Audience) == nil && saved.Lifetime > 0 {
		return saved
	}
	return d
}

package backend

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"lockbox/proxy"
	"lockbox/proxy/config"
	"lockbox/proxy/secret"
	"lockbox/vault"
)

// Save stores a service: its keys in the keychain, the rest in the config file,
// then the running proxy is given the new config. old is the name of the
// service that is edited, "" for a new one. When a step fails, those before it
// are taken back and nothing has changed. Fields is the error of a bad form.
func (b *Backend) Save(ctx context.Context, old string, f Form) error {
	b.edit.Lock()
	defer b.edit.Unlock()
	if err := b.unlocked(); err != nil {
		return err
	}
	f.Name, f.BaseURL = strings.TrimSpace(f.Name), strings.TrimSpace(f.BaseURL)
	if bad := b.Check(old, f); len(bad) > 0 {
		return bad
	}
	current, src, err := b.readConfig(ctx)
	if err != nil {
		return err
	}
	if old != "" && current.Services[old] == nil {
		return fmt.Errorf("the service %q is no longer in %s: it was removed there", old, b.opts.ConfigPath)
	}
	puts, svc, err := b.place(ctx, current, old, f)
	if err != nil {
		return err
	}
	unshown(svc, current.Services[old])
	edited, err := config.PutService(src, old, svc)
	if err != nil {
		return err
	}
	next, err := config.Parse(b.opts.ConfigPath, edited)
	if err != nil {
		return err
	}
	c := change{what: "saving " + f.Name}
	for ref, value := range puts {
		c.set(ref, value)
	}
	c.write(b.opts.ConfigPath, edited)
	c.unused = slices.Collect(maps.Keys(unused(current, next)))
	return b.changes.make(ctx, c, b.use)
}

// use has the proxy load what a change made.
func (b *Backend) use(ctx context.Context) error {
	_, err := b.server.Reload(ctx)
	return err
}

// place decides where each key of the form is to be: what was typed goes to the
// keychain, and so does what stood in the config in plain text, or under the
// keychain name of the service before it was renamed. A typed reference is kept
// as it is.
func (b *Backend) place(ctx context.Context, current *config.Config, old string, f Form) (map[secret.Ref]secret.Value, *config.Service, error) {
	taken := map[secret.Ref]bool{}
	before := map[string]secret.Source{}
	for name, svc := range current.Services {
		for field, s := range svc.Credential.Sources() {
			if name == old {
				before[field] = s
			} else if s.IsRef() {
				taken[s.Ref] = true
			}
		}
	}
	puts := map[secret.Ref]secret.Value{}
	var failed error
	svc, err := f.service(func(field string, s SecretField) secret.Source {
		value := typed(s.Value)
		if secret.IsRef(value.Reveal()) {
			src, err := secret.ParseSource(value.Reveal())
			failed = errors.Join(failed, err)
			return src
		}
		ref := freeRef(f.Name, field, taken)
		if value.IsZero() {
			was := before[s.field]
			if !s.Stored || was.IsZero() || was.Ref == ref || was.IsRef() && was.Ref.Scheme != secret.Keychain || taken[was.Ref] {
				return was
			}
			value = was.Literal
			if was.IsRef() {
				v, err := b.secret(ctx, was.Ref)
				if err != nil {
					failed = errors.Join(failed, err)
					return was
				}
				value = v
			}
		}
		puts[ref] = value
		return secret.Source{Ref: ref}
	}, credentialOf(current, old))
	return puts, svc, errors.Join(err, failed)
}

// credentialOf is the credential of a service, nil if there is none.
func credentialOf(cfg *config.Config, name string) *config.Credential {
	if cfg == nil || cfg.Services[name] == nil {
		return nil
	}
	return cfg.Services[name].Credential
}

// freeRef is the keychain's name for a field, or another when a service that
// someone wrote by hand already uses that one.
func freeRef(service, field string, taken map[secret.Ref]bool) secret.Ref {
	ref := secret.KeychainRef(service, field)
	for n := 2; taken[ref]; n++ {
		ref.Service = fmt.Sprintf("%s-%d", service, n)
	}
	return ref
}

// readConfig reads the file as it is now, which may be newer than what the proxy
// runs with. What was interrupted is taken back first.
func (b *Backend) readConfig(ctx context.Context) (*config.Config, []byte, error) {
	if err := b.changes.settle(ctx, b.store()); err != nil {
		return nil, nil, err
	}
	src, err := os.ReadFile(b.opts.ConfigPath)
	if err != nil {
		return nil, nil, fmt.Errorf("the config file cannot be read: %w", err)
	}
	cfg, err := config.Parse(b.opts.ConfigPath, src)
	if err != nil {
		return nil, nil, fmt.Errorf("the config file was changed and has an error; mend it first: %w", err)
	}
	return cfg, src, nil
}

// keychainRefs are the keys in the keychain that a config uses.
func keychainRefs(c *config.Config) map[secret.Ref]bool {
	refs := map[secret.Ref]bool{}
	for _, svc := range c.Services {
		for _, s := range svc.Credential.Sources() {
			if s.Ref.Scheme == secret.Keychain {
				refs[s.Ref] = true
			}
		}
	}
	return refs
}

// unused are the keys that before uses and after does not.
func unused(before, after *config.Config) map[secret.Ref]bool {
	refs := keychainRefs(before)
	maps.DeleteFunc(refs, func(r secret.Ref, _ bool) bool { return keychainRefs(after)[r] || r == signingKeyRef })
	return refs
}

// Reveal reads a stored key of a service, to be shown to the person: field is
// as config.Credential.Sources names it.
func (b *Backend) Reveal(ctx context.Context, name, field string) (secret.Value, error) {
	if err := b.unlocked(); err != nil {
		return secret.Value{}, err
	}
	svc, err := b.service(name)
	if err != nil {
		return secret.Value{}, err
	}
	for f, s := range svc.Credential.Sources() {
		if f == field && s.IsRef() {
			return b.secret(ctx, s.Ref)
		}
		if f == field {
			return s.Literal, nil
		}
	}
	return secret.Value{}, fmt.Errorf("%s has no stored %s", name, field)
}

// TestResult is what the one call of Test brought.
type TestResult = proxy.TestResult

// Trial is the call that a Test makes.
type Trial = proxy.Trial

// Test makes one call to the upstream of a form, saved or not, with its keys.
func (b *Backend) Test(ctx context.Context, old string, f Form, t Trial) (TestResult, error) {
	if bad := b.Check(old, f); len(bad) > 0 {
		return TestResult{}, bad
	}
	before := map[string]secret.Source{}
	var was *config.Service
	if old != "" {
		var err error
		if was, err = b.service(old); err != nil {
			return TestResult{}, err
		}
		before = maps.Collect(was.Credential.Sources())
	}
	svc, err := f.service(func(_ string, s SecretField) secret.Source {
		if value := typed(s.Value); !value.IsZero() {
			src, _ := secret.ParseSource(value.Reveal()) // Check has seen to it
			return src
		}
		return before[s.field]
	}, credentialOf(b.server.Config(), old))
	if err != nil {
		return TestResult{}, err
	}
	unshown(svc, was)
	return b.server.Test(ctx, svc, func(ctx context.Context, ref secret.Ref) (secret.Value, error) {
		return vault.Resolve(ctx, b.store(), ref)
	}, t)
}

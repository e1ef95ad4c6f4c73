package backend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
	"lockbox/vault"
)

// ImportRequest says what Import is to do.
type ImportRequest struct {
	File    string // the config to take services from; the own one: its keys are moved
	Replace bool   // services that exist are replaced
	DryRun  bool   // says what it would do, and does nothing
}

// Imported is what Import did.
type Imported struct {
	Services []ImportedService // in the file's order
	Backup   string            // the config of before, ""; when there was none
	// Which of the files still hold keys in plain text.
	BackupHasKeys, FileHasKeys bool
	NotTaken                   []string // what else the file sets, which stays as it is here
	Again                      []string // services whose key stands in the config once more, in a comment maybe
}

// ImportedService is a service with the keys that went to the vault.
type ImportedService struct {
	Name  string
	Moved []MovedKey
}

// MovedKey is a key that went to the vault.
type MovedKey struct {
	Field string // as in config.Credential.Sources
	Ref   secret.Ref
}

// Import takes the services of a config file over: the keys that stand in it go
// to the vault, and references to them into the config. Comments, order and
// unknown keys stay. A config that is there already is copied first, with mode
// 0600.
func (k *Keeper) Import(ctx context.Context, r ImportRequest) (Imported, error) {
	from, src, names, err := readServices(r.File)
	if err != nil {
		return Imported{}, err
	}
	own, ownSrc, err := k.readOwn(ctx)
	if err != nil {
		return Imported{}, fmt.Errorf("the config %s, which the services are to go to, has an error; mend it first: %w", k.opts.ConfigPath, err)
	}
	inPlace := sameFile(r.File, k.opts.ConfigPath)
	into := own
	if inPlace {
		into = nil
	}
	if err := clash(names, into, r.Replace); err != nil {
		return Imported{}, fmt.Errorf("%s: %w", k.opts.ConfigPath, err)
	}
	m := newMove(k.store(), r.DryRun, from, into, names)
	for _, name := range names {
		if err := m.service(ctx, from.Services[name]); err != nil {
			return Imported{}, fmt.Errorf("service %q: %w", name, err)
		}
	}
	var target []byte
	if into != nil {
		target = ownSrc
	}
	edited, err := m.edit(src, target, names)
	if err == nil {
		edited, err = k.nameVault(edited, own)
	}
	if err != nil {
		return Imported{}, err
	}
	done := Imported{Services: m.done, FileHasKeys: !inPlace && len(m.secrets) > 0, Again: m.again(edited)}
	c := change{what: "the import of " + r.File, secrets: m.secrets}
	if own != nil && !bytes.Equal(edited, ownSrc) {
		done.Backup, done.BackupHasKeys = freeName(k.opts.ConfigPath+".before-import-"+time.Now().Format("20060102-150405")), hasKeys(own)
		c.write(done.Backup, ownSrc)
	}
	c.write(k.opts.ConfigPath, edited)
	if into != nil {
		done.NotTaken = othersOf(src)
		c.unused = slices.Collect(maps.Keys(m.replaced))
	}
	if r.DryRun {
		return done, nil
	}
	return done, k.changes.make(ctx, c, k.use)
}

// nameVault has a first config say that its keys are in the vault file in use.
func (k *Keeper) nameVault(src []byte, own *config.Config) ([]byte, error) {
	if own != nil {
		return src, nil
	}
	cfg, err := config.Parse(k.opts.ConfigPath, src)
	if err != nil {
		return nil, err
	}
	f, ok := k.store().(*vault.File)
	if !ok || cfg.Vault.File(k.opts.ConfigPath) == f.Name() {
		return src, nil
	}
	return config.KeepMember(src, k.vaultMember(), "vault")
}

// readServices reads a config file to import.
func readServices(path string) (cfg *config.Config, src []byte, names []string, err error) {
	if src, err = os.ReadFile(path); err != nil { //nolint:gosec // the person named it
		return nil, nil, nil, err
	}
	if cfg, err = config.Parse(path, src); err != nil {
		return nil, nil, nil, err
	}
	names, err = config.ServiceNames(src)
	return cfg, src, names, err
}

// MoveKeys moves the keys that stand in the config in plain text to the vault.
func (b *Backend) MoveKeys(ctx context.Context) (Imported, error) {
	b.edit.Lock()
	defer b.edit.Unlock()
	if err := b.unlocked(); err != nil {
		return Imported{}, err
	}
	return b.keeper().Import(ctx, ImportRequest{File: b.opts.ConfigPath})
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	y, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(x, y)
}

// ClashError says which services an import would take the place of.
type ClashError struct{ Names []string }

func (e *ClashError) Error() string {
	if len(e.Names) == 1 {
		return fmt.Sprintf("it has a service %q already: rename one of the two, or replace that one with --replace", e.Names[0])
	}
	names := e.Names
	if n := len(names); n > 5 {
		names = append(names[:5:5], fmt.Sprintf("and %d more", n-5))
	}
	return fmt.Sprintf("it has services of these names already: %s: rename them, or replace those with --replace", strings.Join(names, ", "))
}

// clash refuses services that exist.
func clash(names []string, into *config.Config, replace bool) error {
	if into == nil || replace {
		return nil
	}
	var both []string
	for _, name := range names {
		if into.Services[name] != nil {
			both = append(both, name)
		}
	}
	if len(both) == 0 {
		return nil
	}
	return &ClashError{both}
}

// taken are the vault's names that the configs use.
func taken(configs ...*config.Config) map[secret.Ref]bool {
	refs := map[secret.Ref]bool{}
	for _, c := range configs {
		if c != nil {
			maps.Copy(refs, keychainRefs(c))
		}
	}
	return refs
}

// replacedRefs are the vault's names that only services use which are replaced.
func replacedRefs(names []string, into *config.Config) map[secret.Ref]bool {
	rest := &config.Config{Services: maps.Clone(into.Services)}
	for _, name := range names {
		delete(rest.Services, name)
	}
	refs, others := keychainRefs(into), keychainRefs(rest)
	maps.DeleteFunc(refs, func(r secret.Ref, _ bool) bool { return others[r] })
	return refs
}

// move finds a place in the vault for each key of services.
type move struct {
	store           vault.Store
	dry             bool
	taken, replaced map[secret.Ref]bool
	secrets         []vault.Change
	credentials     map[string]*config.Credential // with references
	done            []ImportedService
}

func newMove(store vault.Store, dry bool, from, into *config.Config, names []string) *move {
	m := &move{store: store, dry: dry, taken: taken(from, into), replaced: map[secret.Ref]bool{}, credentials: map[string]*config.Credential{}}
	if into != nil {
		m.replaced = replacedRefs(names, into)
	}
	return m
}

func (m *move) service(ctx context.Context, svc *config.Service) error {
	done := ImportedService{Name: svc.Name}
	var failed error
	if svc.Credential != nil {
		c := svc.Credential.With(func(field string, s secret.Source) secret.Source {
			if s.Literal.IsZero() || failed != nil || !svc.Credential.IsSecret(field) {
				return s
			}
			var ref secret.Ref
			if ref, failed = m.place(ctx, svc.Name, field, s.Literal); failed != nil {
				return s
			}
			m.taken[ref] = true
			m.secrets = append(m.secrets, vault.Change{Ref: ref, Value: s.Literal})
			done.Moved = append(done.Moved, MovedKey{field, ref})
			return secret.Source{Ref: ref}
		})
		if len(done.Moved) > 0 {
			m.credentials[svc.Name] = c
		}
	}
	m.done = append(m.done, done)
	return failed
}

// edit writes the references into src, and its services into target if that is
// not nil. What is replaced and still in use is none of the replaced any more.
func (m *move) edit(src, target []byte, names []string) ([]byte, error) {
	edited, err := config.PutCredentials(src, m.credentials)
	if err == nil && target != nil {
		edited, err = config.CopyServices(target, edited, names)
	}
	if err != nil {
		return nil, err
	}
	next, err := config.Parse("", edited)
	if err != nil {
		return nil, err
	}
	inUse := keychainRefs(next)
	maps.DeleteFunc(m.replaced, func(r secret.Ref, _ bool) bool { return inUse[r] || r == signingKeyRef })
	return edited, nil
}

// place is the vault's name for a field, or another where that one holds a key
// of something else.
func (m *move) place(ctx context.Context, service, field string, v secret.Value) (secret.Ref, error) {
	ref := secret.KeychainRef(service, field)
	for n := 2; ; n++ {
		if !m.taken[ref] || m.replaced[ref] {
			was, err := m.store.Get(ctx, ref.Service, ref.Field)
			switch {
			case err == nil && !m.replaced[ref] && !was.Equal(v):
			case err == nil || m.dry || errors.Is(err, secret.ErrNotFound):
				delete(m.replaced, ref)
				return ref, nil
			default:
				return ref, err
			}
		}
		ref.Service = fmt.Sprintf("%s-%d", service, n)
	}
}

// again names services whose key the text still has. What is shorter than eight
// bytes may be there for any reason.
func (m *move) again(edited []byte) []string {
	var names []string
	at := 0
	for _, s := range m.done {
		for range s.Moved {
			key := m.secrets[at].Value.Reveal()
			at++
			if len(key) >= 8 && bytes.Contains(edited, []byte(key)) && !slices.Contains(names, s.Name) {
				names = append(names, s.Name)
			}
		}
	}
	return names
}

func hasKeys(c *config.Config) bool {
	for _, svc := range c.Services {
		if hasKey(svc) {
			return true
		}
	}
	return false
}

// hasKey reports whether a key of a service stands in the config itself.
func hasKey(svc *config.Service) bool {
	for field, s := range svc.Credential.Sources() {
		if !s.Literal.IsZero() && svc.Credential.IsSecret(field) {
			return true
		}
	}
	return false
}

// othersOf names what a file sets beside its services.
func othersOf(src []byte) []string {
	keys, err := config.TopKeys(src)
	if err != nil {
		return nil // it was parsed before
	}
	return slices.DeleteFunc(keys, func(key string) bool { return key == "services" || strings.HasPrefix(key, "_") })
}

// freeName is path, or another one where there is such a file.
func freeName(path string) string {
	name := path
	for n := 2; fileExists(name); n++ {
		name = fmt.Sprintf("%s-%d", path, n)
	}
	return name
}

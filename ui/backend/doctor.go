package backend

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
	"lockbox/ui/display"
	"lockbox/vault"
)

// Verdicts of an examination.
const (
	Healthy   = "ok"
	Doubtful  = "warning" // it works, but wants a look
	Broken    = "failed"
	Unchecked = "skipped" // it is not used here, or could not be looked at
)

// Finding is one thing that an examination looked at.
type Finding struct {
	Name    string `json:"name"`
	Verdict string `json:"verdict"`
	Text    string `json:"text"` // what was found and, unless Healthy, what to do
}

// leastSpace is the free disk space below which it is time to do something, in
// bytes: a day's records and then some.
const leastSpace = 200 << 20

// doctor looks at what has to be right for Lockbox to work. It changes nothing
// but for a probe in the keychain and one in the folder, which it takes away.
type doctor struct {
	Options
	offline bool
	cfg     *config.Config // nil: it could not be read
	store   vault.Store    // nil: it cannot be used
	find    func(name, verdict, text string)
}

// Examine looks at everything that has to be right for Lockbox to work, be it
// running or not, and tells each what it found. offline: nothing is asked on the
// network but this computer.
func Examine(ctx context.Context, o Options, offline bool, each func(Finding)) {
	examine(ctx, &doctor{Options: o, offline: offline}, each)
}

// Examine is Examine for a Lockbox that runs.
func (b *Backend) Examine(ctx context.Context, each func(Finding)) {
	examine(ctx, &doctor{Options: b.opts, store: b.store()}, each)
}

func examine(ctx context.Context, d *doctor, each func(Finding)) {
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	d.find = func(name, verdict, text string) { each(Finding{name, verdict, Sentence(text)}) }
	for _, look := range []func(context.Context){
		d.lookAtConfig, d.lookAtFolder, d.lookAtVault, d.lookAtKeys, d.lookAtTokens, d.lookAtPort,
		d.lookAtScreen, d.lookAtAudit, d.lookAtUpstreams, d.lookAtTunnel,
	} {
		if ctx.Err() != nil {
			return
		}
		look(ctx)
	}
}

func (d *doctor) lookAtConfig(context.Context) {
	const name = "Config"
	cfg, err := config.Load(d.ConfigPath)
	var problems config.Problems
	switch {
	case errors.Is(err, fs.ErrNotExist) && !d.ConfigPathExplicit:
		d.cfg = &config.Config{Listen: config.DefaultListen}
		d.find(name, Unchecked, "There is none yet at "+d.ConfigPath+": the first start of Lockbox writes it")
		return
	case errors.As(err, &problems):
		for _, p := range problems {
			d.find(name, Broken, p.Error())
		}
		return
	case err != nil:
		d.find(name, Broken, err.Error())
		return
	}
	d.cfg = cfg
	for _, w := range cfg.Warnings {
		d.find(name, Doubtful, w.Error())
	}
	if len(cfg.Warnings) == 0 {
		d.find(name, Healthy, fmt.Sprintf("%s: %d services", d.ConfigPath, len(cfg.Services)))
	}
}

// lookAtFolder tries whether state can be written down.
func (d *doctor) lookAtFolder(context.Context) {
	const name = "Folder"
	err := os.MkdirAll(d.StateDir, 0o700)
	var f *os.File
	if err == nil {
		f, err = os.CreateTemp(d.StateDir, ".probe-*")
	}
	if err == nil {
		_, err = f.Write(make([]byte, 4096))
		err = errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
	}
	free, known := freeSpace(d.StateDir)
	switch {
	case err != nil:
		d.find(name, Broken, fmt.Sprintf("%s cannot be written to, so that no call can be recorded: %v; let your account write there, or make space", d.StateDir, err))
	case known && free < leastSpace:
		d.find(name, Doubtful, fmt.Sprintf("%s has %d MB left: make space, for calls that cannot be recorded are refused", d.StateDir, free>>20))
	case known:
		d.find(name, Healthy, fmt.Sprintf("%s can be written to, and has %.1f GB left", d.StateDir, float64(free)/(1<<30)))
	default:
		d.find(name, Healthy, d.StateDir+" can be written to")
	}
}

// lookAtVault opens the vault as other commands do.
func (d *doctor) lookAtVault(ctx context.Context) {
	const name = "Vault"
	if d.store == nil {
		if d.cfg == nil && d.Vault == "" {
			d.find(name, Unchecked, "The config, which says where the vault is, cannot be read")
			return
		}
		s, err := d.openVault(ctx, false)
		if err != nil {
			d.find(name, Broken, err.Error())
			return
		}
		d.store = s
	}
	wait, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	st := d.store.Status(wait)
	switch {
	case st.State == vault.Missing && isFile(d.store):
		d.find(name, Unchecked, st.Message)
	case st.State != vault.Ready && !d.needsVault():
		d.find(name, Doubtful, "Nothing needs it yet. "+st.Message)
		d.store = nil
	case st.State != vault.Ready:
		d.find(name, Broken, st.Message)
		d.store = nil
	case isFile(d.store):
		d.find(name, Healthy, "The vault file "+d.store.Name()+" is open")
	default:
		if err := probe(wait, d.store); err != nil {
			d.find(name, Broken, "The keychain is there but does not keep what it is given: "+err.Error())
			return
		}
		d.find(name, Healthy, "The keychain takes, gives and forgets a secret as it should")
	}
}

// needsVault reports whether something that Lockbox cannot do without is kept in it.
func (d *doctor) needsVault() bool {
	used, err := usedRefs(d.Options)
	return err != nil || len(used) > 0 || d.keyFile() == ""
}

// probe puts something that is no secret into the keychain, and takes it away.
func probe(ctx context.Context, s vault.Store) error {
	const service, field, value = "lockbox", "doctor_probe", "no secret"
	if err := s.Set(ctx, service, field, secret.New(value)); err != nil {
		return err
	}
	v, err := s.Get(ctx, service, field)
	if err == nil && v.Reveal() != value {
		err = errors.New("it gave back something else")
	}
	return errors.Join(err, s.Delete(ctx, service, field))
}

// lookAtKeys tries whether each secret of the config can be read. Without a vault
// those that are not in it.
func (d *doctor) lookAtKeys(ctx context.Context) {
	const name = "Keys"
	if d.cfg == nil {
		return
	}
	read, missing := 0, []string{}
	verdicts := map[secret.Ref]error{}
	for _, service := range slices.Sorted(maps.Keys(d.cfg.Services)) {
		for field, source := range d.cfg.Services[service].Credential.Sources() {
			if !source.IsRef() || d.store == nil && source.Ref.Scheme == secret.Keychain {
				continue
			}
			err, seen := verdicts[source.Ref]
			if !seen {
				_, err = vault.Resolve(ctx, d.store, source.Ref)
				verdicts[source.Ref] = err
			}
			if err != nil {
				missing = append(missing, fmt.Sprintf("%s of %s: %v", field, service, err))
				continue
			}
			read++
		}
	}
	const most = 5 // that are named
	for _, m := range missing[:min(most, len(missing))] {
		d.find(name, Broken, m)
	}
	if n := len(missing) - most; n > 0 {
		d.find(name, Broken, fmt.Sprintf("%d more keys cannot be read: lockbox secret list says which the vault lacks", n))
	}
	if read > 0 && len(missing) == 0 {
		d.find(name, Healthy, fmt.Sprintf("All can be read (%d)", read))
	}
}

// lookAtTokens reads the list of tokens and the key that signs them.
func (d *doctor) lookAtTokens(ctx context.Context) {
	const name = "Tokens"
	list, err := OpenTokens(d.Options)
	if err != nil {
		d.find(name, Broken, err.Error())
		return
	}
	defer list.Close() //nolint:errcheck // it was only read
	if at := list.Panicked(); !at.IsZero() {
		d.find(name, Doubtful, "Panic was called for at "+at.Local().Format(time.DateTime)+": no call passes until you resume, in the window or by lockbox panic --resume")
	}
	file := d.keyFile()
	if file == "" && d.store == nil {
		return
	}
	key, err := keyRing{file, d.store}.read(ctx, time.Now())
	switch {
	case errors.Is(err, secret.ErrNotFound) && file == "":
		d.find(name, Unchecked, "There is no signing key yet: the first start of Lockbox makes it")
	case err != nil:
		d.find(name, Broken, "The signing key: "+err.Error())
	case infoOf(key, "", list).Weak:
		d.find(name, Doubtful, fmt.Sprintf("The signing key has %d bytes and could be guessed: replace it by lockbox key rotate", key.Current.Len()))
	default:
		d.find(name, Healthy, "The list of tokens and the signing key can be read")
	}
}

// lookAtPort finds out who is at the address.
func (d *doctor) lookAtPort(ctx context.Context) {
	const name = "Port"
	listen := d.Listen
	if listen == "" && d.cfg != nil {
		listen = d.cfg.Listen
	}
	if listen == "" {
		return
	}
	if _, port, err := net.SplitHostPort(listen); err == nil && port == "0" {
		d.find(name, Healthy, "Lockbox takes whichever is free at "+listen)
		return
	}
	if d.answers(ctx, baseURL(listen)) {
		d.find(name, Healthy, "Lockbox answers at "+baseURL(listen))
		return
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		d.find(name, Broken, listen+" is in use by another program: stop that one, or choose another address on the Settings page or as listen in "+d.ConfigPath)
	case err != nil:
		d.find(name, Broken, fmt.Sprintf("%s cannot be listened on: %v; choose another address on the Settings page or as listen in %s", listen, err, d.ConfigPath))
	default:
		_ = ln.Close() // no one came
		d.find(name, Healthy, listen+" is free; Lockbox does not run")
	}
}

func (d *doctor) lookAtScreen(ctx context.Context) {
	const name = "Tray"
	wait, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	switch {
	case !display.Available():
		d.find(name, Unchecked, "There is no display here: Lockbox serves without a window and a tray icon")
	case !display.Tray(wait):
		d.find(name, Doubtful, "Nothing here shows tray icons, so that closing the window quits Lockbox: on GNOME, install the extension AppIndicator and KStatusNotifierItem Support; elsewhere, add a system tray to the panel")
	default:
		d.find(name, Healthy, "The desktop shows tray icons")
	}
}

// lookAtAudit reads the end of the record.
func (d *doctor) lookAtAudit(context.Context) {
	const name = "Audit log"
	if !fileExists(filepath.Join(d.StateDir, "audit")) {
		d.find(name, Unchecked, "There is none yet: the first start of Lockbox makes it")
		return
	}
	l, err := OpenAudit(d.Options)
	if err != nil {
		d.find(name, Broken, err.Error())
		return
	}
	defer l.Close() //nolint:errcheck // it was only read
	newest, err := l.List(Query{Limit: 1})
	if err != nil {
		d.find(name, Broken, err.Error())
		return
	}
	if len(newest) > 0 && newest[0].Time.After(time.Now().Add(mostSkew)) {
		d.find("Clock", Broken, fmt.Sprintf("The newest record is of %s, which is yet to come: the clock was set back. Set it right; tokens that expire and records are off until then", newest[0].Time.Local().Format(time.DateTime)))
	}
	what := fmt.Sprintf("%d calls on record; lockbox audit verify proves that none was altered", l.Count())
	if n := l.Unsearched(); n > 0 {
		what = fmt.Sprintf("%d calls on record, of which searches do not find %d yet", l.Count(), n)
	}
	d.find(name, Healthy, strings.TrimSpace(what))
}

//go:build unix

package backend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"lockbox/proxy/secret"
	"lockbox/vault"
)

// TestMain lets this binary be the process of a test that is killed.
func TestMain(m *testing.M) {
	if home := os.Getenv("BACKEND_TEST_HOME"); home != "" {
		if err := beKilled(home); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const crashPassphrase = "correct horse"

// steps is a store whose Apply is a write for each change, as a keychain's is.
type steps struct {
	vault.Store
	wrote func()
}

func (s *steps) Apply(ctx context.Context, changes []vault.Change) error {
	for _, c := range changes {
		if err := s.Store.Apply(ctx, []vault.Change{c}); err != nil {
			return err
		}
		s.wrote()
	}
	return nil
}

func crashOptions(home string) Options {
	return Options{
		ConfigPath: filepath.Join(home, "config", "config.json"), ConfigPathExplicit: true, Passphrase: secret.New(crashPassphrase),
		StateDir: filepath.Join(home, "state"), Listen: "127.0.0.1:0",
	}
}

// crashStore is the vault of a home: a file that is written cheaply, or the
// desktop's keychain.
func crashStore(ctx context.Context, kind, home string) (vault.Store, error) {
	if kind == "keychain" {
		return vault.NewKeychain(), nil
	}
	f := vault.NewFile(filepath.Join(home, "vault.age"), nil)
	f.SetWorkFactor(workFactor)
	return f, f.UnlockWith(ctx, secret.New(crashPassphrase))
}

// beKilled does what the environment asks for and kills itself after the write
// of that number; it says how many writes there were when it got to the end.
func beKilled(home string) error {
	ctx := context.Background()
	at, _ := strconv.Atoi(os.Getenv("BACKEND_TEST_KILL"))
	n := 0
	wrote := func() {
		if n++; n == at {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	kind := os.Getenv("BACKEND_TEST_STORE")
	store, err := crashStore(ctx, kind, home)
	if err != nil {
		return err
	}
	if kind != "file" {
		store = &steps{store, wrote}
	}
	o := crashOptions(home)
	if os.Getenv("BACKEND_TEST_DO") == "recover" {
		j := newJournal(o, func() vault.Store { return store })
		j.wrote = wrote
		err = j.settle(ctx, store)
	} else {
		err = doChange(ctx, o, store, wrote, os.Getenv("BACKEND_TEST_DO"))
	}
	if err != nil {
		return err
	}
	_, err = fmt.Println(n)
	return err
}

// doChange makes one of the changes that are killed.
func doChange(ctx context.Context, o Options, store vault.Store, wrote func(), what string) error {
	b, err := Open(ctx, o)
	if err != nil {
		return err
	}
	defer b.Close() //nolint:errcheck // nothing was called
	if err := b.load(ctx); err != nil {
		return err
	}
	b.vault.Store(&store)
	b.changes.wrote = wrote
	switch what {
	case "save": // a new key over an old one, and another kind of credential
		f, err := b.Form("acme")
		if err != nil {
			return err
		}
		f.Credential = "basic"
		f.Username.Value, f.Password.Value = secret.New("sk-user"), secret.New("sk-pass")
		return b.Save(ctx, "acme", f)
	case "overwrite":
		f, err := b.Form("acme")
		if err != nil {
			return err
		}
		f.Token.Value, f.ReadTimeout = secret.New("sk-new"), "7"
		return b.Save(ctx, "acme", f)
	case "rename":
		f, err := b.Form("acme")
		if err != nil {
			return err
		}
		f.Name = "renamed"
		return b.Save(ctx, "acme", f)
	case "delete":
		_, err := b.Delete(ctx, "acme")
		return err
	case "undelete":
		src, err := os.ReadFile(o.ConfigPath)
		if err != nil {
			return err
		}
		before := bytes.Replace(src, []byte("// mine\n"), []byte(`// mine
    "gone": {"base_url": "https://gone.example.com", "credential": {"type": "bearer", "token": "keychain://gone/token"}},
`), 1)
		return b.Undelete(ctx, &Deleted{Name: "gone", before: before, after: src, keys: []vault.Change{{Ref: secret.KeychainRef("gone", "token"), Value: secret.New("sk-gone")}}})
	case "settings":
		s := b.Settings()
		s.AuditDir, s.Audience = filepath.Join(o.StateDir, "original"), "zapier"
		return b.SaveSettings(ctx, s)
	case "move":
		b.edit.Lock()
		defer b.edit.Unlock()
		_, err := b.keeper().Import(ctx, ImportRequest{File: o.ConfigPath})
		return err
	case "import":
		b.edit.Lock()
		defer b.edit.Unlock()
		_, err := b.keeper().Import(ctx, ImportRequest{File: filepath.Join(filepath.Dir(o.StateDir), "import.json"), Replace: true})
		return err
	case "backup":
		_, err := b.Backup(ctx, filepath.Join(o.StateDir, "new.age"), secret.New(crashPassphrase))
		return err
	case "restore":
		r, err := b.OpenBackup(ctx, filepath.Join(filepath.Dir(o.StateDir), "backup.age"), secret.New(crashPassphrase))
		if err != nil {
			return err
		}
		return b.Restore(ctx, r)
	}
	return errors.New("no such change")
}

// furnish gives a home its config and keys.
func furnish(t *testing.T, kind, home string, store vault.Store) {
	t.Helper()
	o := crashOptions(home)
	where := `{"type": "file", "path": "../vault.age"}`
	if kind == "keychain" {
		where = `{"type": "keychain"}`
	}
	writeConfig(t, o.ConfigPath, `{"vault": `+where+`, "services": { // mine
    "acme": {"base_url": "https://api.example.com", "credential": {"type": "bearer", "token": "keychain://acme/token"}},
    "plain": {"base_url": "https://plain.example.com", "credential": {"type": "bearer", "token": "sk-literal"}},
}}`)
	writeConfig(t, filepath.Join(home, "import.json"), `{"services": {
    "acme": {"base_url": "https://new.example.com", "credential": {"type": "basic", "username": "ann", "password": "sk-imported"}},
    "more": {"base_url": "https://more.example.com", "credential": {"type": "bearer", "token": "sk-more"}}
}}`)
	a := &archive{
		Version: archiveVersion, Config: []byte(`{"services": {"back": {"base_url": "https://back.example.com", "credential": {"type": "bearer", "token": "keychain://acme/token"}}}}`),
		Secrets:    map[string][]byte{"keychain://acme/token": []byte("sk-back")},
		SigningKey: []byte("fedcba9876543210fedcba9876543210"), FormerKeys: []byte("{}"), Tokens: []byte("{\"a\":1}\n"), Settings: []byte("{}"),
	}
	sealed, err := a.seal(secret.New(crashPassphrase), workFactor)
	if err != nil {
		t.Fatal(err)
	}
	writeConfig(t, filepath.Join(home, "backup.age"), string(sealed))
	refs, err := store.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range refs {
		if err := store.Delete(t.Context(), ref.Service, ref.Field); err != nil {
			t.Fatal(err)
		}
	}
	for ref, v := range map[secret.Ref]string{
		secret.KeychainRef("acme", "token"): "sk-old", secret.KeychainRef("other", "token"): "sk-other",
		signingKeyRef: "0123456789abcdef0123456789abcdef",
	} {
		if err := store.Set(t.Context(), ref.Service, ref.Field, secret.New(v)); err != nil {
			t.Fatal(err)
		}
	}
}

// killed runs a change in a process that kills itself after its write at, 0 for
// never; it returns the number of writes of one that came to its end.
func killed(t *testing.T, kind, home, what string, at int) (writes int, dead bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "BACKEND_TEST_HOME="+home, "BACKEND_TEST_STORE="+kind, "BACKEND_TEST_DO="+what, "BACKEND_TEST_KILL="+strconv.Itoa(at))
	var said, out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	if cmd.ProcessState != nil && cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return 0, true
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", what, err, said.String())
	}
	writes, err = strconv.Atoi(strings.TrimSpace(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	return writes, false
}

// TestKilledChanges: a process that is killed after any single write of a change
// leaves what was there before or all of the new, once the next process has looked,
// be that one killed while it does.
func TestKilledChanges(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "none"))
	for _, kind := range []string{"steps", "file"} {
		t.Run(kind, func(t *testing.T) { killChanges(t, kind) })
	}
}

func killChanges(t *testing.T, kind string) {
	changes := []string{"save", "overwrite", "rename", "delete", "undelete", "settings", "move", "import", "backup", "restore"}
	if kind == "file" { // a vault's one write is the only difference
		changes = []string{"overwrite", "restore"}
	}
	for _, what := range changes {
		t.Run(what, func(t *testing.T) {
			home := t.TempDir()
			store, err := crashStore(t.Context(), kind, home)
			if err != nil {
				t.Fatal(err)
			}
			furnish(t, kind, home, store)
			before := picture(t, home, store)
			// The way back is the same for all.
			twice := kind == "steps" && what == "overwrite"
			writes, _ := killed(t, kind, home, what, 0)
			after := picture(t, home, store)
			if maps.Equal(before, after) || writes < 1 {
				t.Fatalf("%d writes changed nothing", writes)
			}
			for at := 1; at <= writes; at++ {
				for again := 0; ; again++ {
					reset(t, home)
					furnish(t, kind, home, store)
					if _, dead := killed(t, kind, home, what, at); !dead {
						t.Fatalf("not killed at %d of %d", at, writes)
					}
					killedTwice := false
					if again > 0 {
						_, killedTwice = killed(t, kind, home, "recover", again)
					}
					j := newJournal(crashOptions(home), func() vault.Store { return store })
					j.log = slog.New(slog.DiscardHandler)
					err := j.settle(t.Context(), store)
					for tries := 0; kind == "keychain" && err != nil && tries < 5; tries++ {
						// gnome-keyring loses a call now and then when clients die on it.
						time.Sleep(50 * time.Millisecond)
						err = j.settle(t.Context(), store)
					}
					if err != nil {
						t.Fatalf("killed at %d, and again at %d: %v", at, again, err)
					}
					if now := picture(t, home, store); !maps.Equal(now, before) && !maps.Equal(now, after) {
						t.Fatalf("killed at %d, and again at %d: a mix: %s", at, again, differs(now, before, after))
					}
					if again > 0 && !killedTwice || !twice {
						break
					}
				}
			}
			t.Logf("%d writes", writes)
		})
	}
}

// reset removes what furnish does not overwrite.
func reset(t *testing.T, home string) {
	t.Helper()
	for _, dir := range []string{"config", "state"} {
		if err := os.RemoveAll(filepath.Join(home, dir)); err != nil {
			t.Fatal(err)
		}
	}
}

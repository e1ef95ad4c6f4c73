package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"lockbox/proxy/secret"
	"lockbox/ui/backend"
)

// backupVariable may hold the passphrase of a backup.
const backupVariable = "LOCKBOX_BACKUP_PASSPHRASE"

// tries is how often a person may type the passphrase of a backup.
const tries = 3

// backupPassphrase says where the passphrase of a backup is from.
type backupPassphrase struct {
	BackupPassphraseFile string `type:"path" placeholder:"FILE" help:"File that holds the passphrase of the backup; without it $$LOCKBOX_BACKUP_PASSPHRASE, else the terminal is asked."`
}

// given is the passphrase from the file or the environment, zero if there is none.
func (p backupPassphrase) given() (secret.Value, error) {
	fromEnv := secret.New(os.Getenv(backupVariable))
	_ = os.Unsetenv(backupVariable) // programs that are started from here never have it
	if p.BackupPassphraseFile == "" {
		return fromEnv, nil
	}
	text, err := os.ReadFile(p.BackupPassphraseFile)
	if err != nil {
		return secret.Value{}, fmt.Errorf("the passphrase file cannot be read: %w", err)
	}
	line, _ := strings.CutSuffix(string(text), "\n")
	v := secret.New(strings.TrimSuffix(line, "\r"))
	if v.IsZero() {
		return v, fmt.Errorf("the passphrase file %s is empty", p.BackupPassphraseFile)
	}
	return v, nil
}

// asked is the passphrase that the person types, twice for a new one.
func asked(ctx context.Context, path string, making bool) (secret.Value, error) {
	question := "Passphrase of " + path + ": "
	if making {
		question = "Without its passphrase nobody can open a backup, you included.\nPassphrase for " + path + ": "
	}
	first, err := prompt(ctx, question)
	if err != nil {
		if errors.Is(err, errNoTerminal) {
			err = fmt.Errorf("there is no terminal to ask for the passphrase at: set %s, or name a file that holds it with --backup-passphrase-file", backupVariable)
		}
		return first, err
	}
	if err := backend.CheckPassphrase(first); err != nil || !making {
		return first, err
	}
	second, err := prompt(ctx, "The same again: ")
	if err == nil && !first.Equal(second) {
		err = errors.New("the two passphrases are not the same: start again")
	}
	return first, err
}

type exportCmd struct {
	Backup string `required:"" type:"path" placeholder:"FILE" help:"File to make: config, keys, token register and settings, encrypted under a passphrase."`
	backupPassphrase
	place
}

// Run makes a backup.
func (c exportCmd) Run(t Terminal) error {
	ctx := context.Background()
	passphrase, err := c.given()
	if err != nil {
		return err
	}
	o := c.options(t)
	if _, err := os.Stat(o.ConfigPath); err != nil {
		return fmt.Errorf("there is nothing to back up: %w", err)
	}
	k, err := backend.NewKeeper(ctx, o, "", false)
	if err != nil {
		return err
	}
	if passphrase.IsZero() {
		if passphrase, err = asked(ctx, c.Backup, true); err != nil {
			return err
		}
	}
	done, err := k.Backup(ctx, c.Backup, passphrase)
	if err != nil {
		return err
	}
	notIncluded(t, done)
	return t.answer("%s: %s", c.Backup, holds(done))
}

// holds says what a backup has in it.
func holds(b backend.Backed) string {
	parts := []string{"config with " + count(b.Services, "service"), count(b.Keys, "key")}
	if b.SigningKey {
		parts = append(parts, "the signing key")
	}
	if b.Tokens {
		parts = append(parts, "the token register")
	}
	return strings.Join(parts, ", ")
}

func notIncluded(t Terminal, b backend.Backed) {
	for _, ref := range b.NotIncluded {
		t.say("not included: what %s refers to", ref)
	}
}

// restore puts a backup in the place of what is here.
func (c importCmd) restore(ctx context.Context, t Terminal) error {
	passphrase, err := c.given()
	if err != nil {
		return err
	}
	k, err := backend.NewKeeper(ctx, c.options(t), "", false)
	if err != nil {
		return err
	}
	r, err := openBackup(ctx, t, k, c.Backup, passphrase)
	if err != nil {
		return err
	}
	t.say("The backup of %s holds: %s.", r.Made.Local().Format(time.DateTime), holds(r.Backed))
	notIncluded(t, r.Backed)
	if r.Same {
		t.say("All of it is here already.")
		return nil
	}
	for _, line := range replaces(r) {
		t.say("%s", line)
	}
	if c.DryRun {
		t.say("Nothing was done (--dry-run).")
		return nil
	}
	if !c.Yes {
		if err := t.confirm("Restore it?"); err != nil {
			return err
		}
	}
	if err := k.Restore(ctx, r); err != nil {
		return fmt.Errorf("nothing was restored: %w", err)
	}
	return t.answer("Restored: %s", holds(r.Backed))
}

// openBackup opens a backup; who types the passphrase may try again.
func openBackup(ctx context.Context, t Terminal, k *backend.Keeper, path string, given secret.Value) (*backend.Restore, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("the backup cannot be read: %w", err)
	}
	for try := 1; ; try++ {
		passphrase, err := given, error(nil)
		if given.IsZero() {
			if passphrase, err = asked(ctx, path, false); err != nil {
				return nil, err
			}
		}
		r, err := k.OpenBackup(ctx, path, passphrase)
		if !errors.Is(err, backend.ErrPassphrase) || !given.IsZero() || try == tries {
			return r, err
		}
		t.say("Wrong passphrase: try again.")
	}
}

// replaces says what a restore takes the place of.
func replaces(r *backend.Restore) []string {
	lines := []string{fmt.Sprintf("Its keys go into %s, its config to %s.", inVault(r.Vault), r.ConfigPath)}
	if r.HereServices > 0 {
		lines = append(lines, fmt.Sprintf("That replaces the config there with its %s.", count(r.HereServices, "service")))
	}
	const most = 10
	for i, ref := range r.HereKeys {
		if i == most {
			lines = append(lines, fmt.Sprintf("… and %s more are replaced.", count(len(r.HereKeys)-most, "key")))
			break
		}
		lines = append(lines, "Another key is in the vault and is replaced: "+ref)
	}
	if r.HereKey {
		lines = append(lines, "The signing key is replaced: tokens that were made here stop working, those of the backup work again.")
	}
	return lines
}

// confirm asks the person, who must say yes.
func (t Terminal) confirm(question string) error {
	if f, ok := t.In.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) { //nolint:gosec // a file's number is small
		return errors.New("nothing was done: there is no terminal to ask at; add --yes to go ahead")
	}
	_, _ = fmt.Fprint(t.Err, question+" [y/N] ")
	line, _ := bufio.NewReader(t.In).ReadString('\n')
	if a := strings.ToLower(strings.TrimSpace(line)); a != "y" && a != "yes" {
		return errors.New("nothing was done")
	}
	return nil
}

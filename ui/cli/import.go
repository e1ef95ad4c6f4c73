package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"lockbox/ui/backend"
)

type importCmd struct {
	File    string `arg:"" optional:"" type:"path" help:"Config file, such as the Python original's: its keys go to the vault, references to them into the config. The config in use itself will do."`
	Replace bool   `help:"Replace services that the config has already."`
	DryRun  bool   `help:"Say what would be done, and do nothing."`
	Backup  string `type:"path" placeholder:"FILE" help:"Restore a backup that lockbox export made, in the place of what is here."`
	Yes     bool   `help:"Restore without asking."`
	backupPassphrase
	place
}

// AfterApply refuses what cannot be meant.
func (c importCmd) AfterApply() error {
	switch {
	case c.File == "" && c.Backup == "":
		return errors.New("name a config file to import, or a backup with --backup")
	case c.File != "" && c.Backup != "":
		return errors.New("--backup stands alone: a backup brings its own config")
	case c.Backup != "" && c.Replace:
		return errors.New("--replace is for a config file: a backup replaces everything")
	}
	return nil
}

// Run imports a config, or restores a backup.
func (c importCmd) Run(t Terminal) error {
	ctx := context.Background()
	if c.Backup != "" {
		return c.restore(ctx, t)
	}
	k, err := backend.NewKeeper(ctx, c.options(t), c.File, c.DryRun)
	if err != nil {
		return err
	}
	done, err := k.Import(ctx, backend.ImportRequest{File: c.File, Replace: c.Replace, DryRun: c.DryRun})
	if err != nil {
		return fmt.Errorf("nothing was imported: %w", err)
	}
	moved := 0
	for _, s := range done.Services {
		moved += len(s.Moved)
		if err := t.answer("%s: %s", s.Name, movedKeys(s.Moved)); err != nil {
			return err
		}
	}
	c.tell(t, k, done, moved)
	return nil
}

// movedKeys is "token → keychain://github/token".
func movedKeys(keys []backend.MovedKey) string {
	if len(keys) == 0 {
		return "no key to move"
	}
	words := make([]string, len(keys))
	for i, k := range keys {
		words[i] = k.Field + " → " + k.Ref.String()
	}
	return strings.Join(words, ", ")
}

// tell says what was done besides, and what the person is left to do.
func (c importCmd) tell(t Terminal, k *backend.Keeper, done backend.Imported, moved int) {
	if c.DryRun {
		t.say("%s with %s to move into %s; config: %s. Nothing was done (--dry-run).", count(len(done.Services), "service"), count(moved, "key"), inVault(k.VaultName()), k.ConfigPath())
		return
	}
	t.say("%s imported, %s moved into %s. Config: %s", count(len(done.Services), "service"), count(moved, "key"), inVault(k.VaultName()), k.ConfigPath())
	if len(done.NotTaken) > 0 {
		t.say("Not taken over, for it is not about a service: %s", strings.Join(done.NotTaken, ", "))
	}
	for _, name := range done.Again {
		t.say("warning: a key of %q stands once more in %s, in a comment maybe: remove it there", name, k.ConfigPath())
	}
	switch {
	case done.BackupHasKeys:
		t.say("The config as it was: %s. It still holds keys in plain text: when all works, remove it with: %s", done.Backup, removal(done.Backup))
	case done.Backup != "":
		t.say("The config as it was: %s", done.Backup)
	}
	if done.FileHasKeys {
		t.say("%s still holds keys in plain text: when all works, remove it with: %s", c.File, removal(c.File))
	}
}

// removal is the command that removes a file.
func removal(path string) string { return "rm '" + strings.ReplaceAll(path, "'", `'\''`) + "'" }

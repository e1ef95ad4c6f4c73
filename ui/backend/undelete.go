package backend

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
	"lockbox/vault"
)

// Deleted is a service that was deleted, so that it can be brought back. What it
// holds is in memory alone: a program that ends has the service deleted for good.
type Deleted struct {
	Name   string
	before []byte // the config that had it
	after  []byte // and the one that has not
	keys   []vault.Change
}

// Forget lets go of the keys; the service cannot be brought back any more.
func (d *Deleted) Forget() { *d = Deleted{Name: d.Name} }

// Delete removes a service and its keys; on failure both are still there. What it
// returns brings the service back.
func (b *Backend) Delete(ctx context.Context, name string) (*Deleted, error) {
	b.edit.Lock()
	defer b.edit.Unlock()
	if err := b.unlocked(); err != nil {
		return nil, err
	}
	current, src, err := b.readConfig(ctx)
	if err != nil {
		return nil, err
	}
	edited, err := config.DeleteService(src, name)
	if err != nil {
		return nil, err
	}
	next, err := config.Parse(b.opts.ConfigPath, edited)
	if err != nil {
		return nil, err
	}
	c, gone := change{what: "deleting " + name}, &Deleted{Name: name, before: src, after: edited}
	for ref := range unused(current, next) {
		v, err := b.store().Get(ctx, ref.Service, ref.Field)
		switch {
		case err == nil:
			gone.keys = append(gone.keys, vault.Change{Ref: ref, Value: v})
		case !errors.Is(err, secret.ErrNotFound):
			return nil, fmt.Errorf("%s was not deleted: %w", name, err)
		}
		c.set(ref, secret.Value{})
	}
	c.write(b.opts.ConfigPath, edited)
	if err := b.changes.make(ctx, c, b.use); err != nil {
		return nil, fmt.Errorf("%s was not deleted: %w", name, err)
	}
	return gone, nil
}

// Undelete brings a service back: into its place in the config, with its comments,
// and its keys into the vault, all of it or nothing.
func (b *Backend) Undelete(ctx context.Context, d *Deleted) error {
	b.edit.Lock()
	defer b.edit.Unlock()
	if err := b.unlocked(); err != nil {
		return err
	}
	if d.before == nil {
		return fmt.Errorf("%s was deleted too long ago to be brought back: add it anew", d.Name)
	}
	current, src, err := b.readConfig(ctx)
	if err != nil {
		return err
	}
	if current.Services[d.Name] != nil {
		return fmt.Errorf("there is another service %q by now: rename it first", d.Name)
	}
	taken := keychainRefs(current)
	c := change{what: "bringing back " + d.Name}
	for _, k := range d.keys {
		v, err := b.store().Get(ctx, k.Ref.Service, k.Ref.Field)
		switch {
		case taken[k.Ref], err == nil && !v.Equal(k.Value):
			return fmt.Errorf("%s holds another key by now: add %s anew", k.Ref, d.Name)
		case err != nil && !errors.Is(err, secret.ErrNotFound):
			return fmt.Errorf("%s was not brought back: %w", d.Name, err)
		}
		c.set(k.Ref, k.Value)
	}
	edited := d.before
	if !bytes.Equal(src, d.after) { // the config was changed meanwhile
		if edited, err = config.RestoreService(src, d.before, d.Name); err != nil {
			return err
		}
	}
	c.write(b.opts.ConfigPath, edited)
	if err := b.changes.make(ctx, c, b.use); err != nil {
		return fmt.Errorf("%s was not brought back: %w", d.Name, err)
	}
	return nil
}

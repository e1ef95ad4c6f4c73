package vault

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/godbus/dbus/v5"

	"lockbox/proxy/secret"
)

const (
	platform = "linux"
	startOne = "install and start gnome-keyring, KWallet or KeePassXC"
)

// store speaks to the Secret Service, over one short connection a call.
type store struct{ unlocking chan struct{} }

func newStore() store { return store{make(chan struct{}, 1)} }

// wireSecret is how the API passes a secret.
type wireSecret struct {
	Session     dbus.ObjectPath
	Parameters  []byte
	Value       []byte
	ContentType string
}

// attributes are go-keyring's, so that it and secret-tool find our items:
// secret-tool lookup service lockbox username acme/token.
func attributes(user string) map[string]string {
	return map[string]string{"service": itemService, "username": user}
}

func (store) get(ctx context.Context, user string) (secret.Value, error) {
	b, err := dial(ctx, 0)
	if err != nil {
		return secret.Value{}, err
	}
	defer b.close()
	open, err := b.items(ctx, user)
	if err != nil {
		return secret.Value{}, err
	}
	if len(open) == 0 {
		return secret.Value{}, secret.ErrNotFound
	}
	session, err := b.session(ctx)
	if err != nil {
		return secret.Value{}, err
	}
	var s wireSecret
	if err := b.call(ctx, open[0], itemIface+".GetSecret", []any{session}, &s); err != nil {
		return secret.Value{}, err
	}
	return secret.New(string(s.Value)), nil
}

func (store) set(ctx context.Context, user string, v secret.Value) error {
	b, err := dial(ctx, 0)
	if err != nil {
		return err
	}
	defer b.close()
	collection, err := b.unlockedCollection(ctx)
	if err != nil {
		return err
	}
	session, err := b.session(ctx)
	if err != nil {
		return err
	}
	properties := map[string]dbus.Variant{
		itemIface + ".Label":      dbus.MakeVariant("Lockbox: " + user),
		itemIface + ".Attributes": dbus.MakeVariant(attributes(user)),
	}
	value := wireSecret{session, []byte{}, []byte(v.Reveal()), "text/plain; charset=utf8"}
	var item, prompt dbus.ObjectPath
	if err := b.call(ctx, collection, collectionIface+".CreateItem", []any{properties, value, true}, &item, &prompt); err != nil {
		return err
	}
	if err := b.refuse(ctx, prompt); err != nil {
		return err
	}
	// An older one in another collection could be found in its place. Whether that
	// matters is seen when the secret is read back.
	if open, err := b.items(ctx, user); err == nil && slices.Contains(open, item) {
		_ = b.removeAll(ctx, user, item)
	}
	return nil
}

func (store) remove(ctx context.Context, user string) error {
	b, err := dial(ctx, 0)
	if err != nil {
		return err
	}
	defer b.close()
	var e *Error
	if err := b.removeAll(ctx, user, ""); !errors.As(err, &e) || e.State != Missing {
		return err
	}
	return nil // what does not exist holds nothing
}

func (store) ready(ctx context.Context) error {
	b, err := dial(ctx, 0)
	if err != nil {
		return err
	}
	defer b.close()
	_, err = b.unlockedCollection(ctx)
	return err
}

func (store) list(ctx context.Context) ([]string, error) {
	b, err := dial(ctx, 0)
	if err != nil {
		return nil, err
	}
	defer b.close()
	open, err := b.search(ctx, map[string]string{"service": itemService})
	if err != nil {
		return nil, err
	}
	var users []string
	for _, item := range open {
		attributes, err := property[map[string]string](ctx, b, item, itemIface, "Attributes")
		if err != nil {
			return nil, err
		}
		users = append(users, attributes["username"])
	}
	return users, nil
}

// items finds the items of a name in all unlocked collections: which one is the
// default can change.
func (b *bus) items(ctx context.Context, user string) ([]dbus.ObjectPath, error) {
	return b.search(ctx, attributes(user))
}

// search finds items, or says Locked where an answer could be incomplete: not
// every service looks into what is locked.
func (b *bus) search(ctx context.Context, attributes map[string]string) ([]dbus.ObjectPath, error) {
	var open, locked []dbus.ObjectPath
	if err := b.call(ctx, secretPath, serviceIface+".SearchItems", []any{attributes}, &open, &locked); err != nil {
		return nil, err
	}
	if len(open) > 0 {
		return open, nil
	}
	if len(locked) > 0 {
		return nil, &Error{State: Locked}
	}
	_, err := b.unlockedCollection(ctx)
	return nil, err
}

// removeAll deletes the items of a name, but one.
func (b *bus) removeAll(ctx context.Context, user string, but dbus.ObjectPath) error {
	open, err := b.items(ctx, user)
	if err != nil {
		return err
	}
	for _, item := range open {
		if item == but {
			continue
		}
		var prompt dbus.ObjectPath
		if err := b.call(ctx, item, itemIface+".Delete", nil, &prompt); err != nil {
			return err
		}
		if err := b.refuse(ctx, prompt); err != nil {
			return err
		}
	}
	return nil
}

// refuse takes away a prompt that a call would show.
func (b *bus) refuse(ctx context.Context, prompt dbus.ObjectPath) error {
	if prompt == nowhere {
		return nil
	}
	if err := b.call(ctx, prompt, promptIface+".Dismiss", nil); err != nil {
		return err
	}
	return &Error{State: Locked, Err: errAsks}
}

// session opens a session for secrets. They pass as plain text: the bus is a
// socket of this account, whose every program may read the open keychain anyway.
func (b *bus) session(ctx context.Context) (dbus.ObjectPath, error) {
	var nothing dbus.Variant
	var session dbus.ObjectPath
	err := b.call(ctx, secretPath, serviceIface+".OpenSession", []any{"plain", dbus.MakeVariant("")}, &nothing, &session)
	return session, err
}

// collection is where new items go: the default one, else, as in go-keyring, the
// one that the login unlocks; "/" when there is neither.
func (b *bus) collection(ctx context.Context) (dbus.ObjectPath, error) {
	var path dbus.ObjectPath
	if err := b.call(ctx, secretPath, serviceIface+".ReadAlias", []any{"default"}, &path); err != nil {
		return "", err
	}
	if path != nowhere {
		return path, nil
	}
	all, err := property[[]dbus.ObjectPath](ctx, b, secretPath, serviceIface, "Collections")
	if err != nil {
		return "", err
	}
	if slices.Contains(all, loginCollection) {
		return loginCollection, nil
	}
	return nowhere, nil
}

// unlockedCollection is collection, or says why it cannot be used.
func (b *bus) unlockedCollection(ctx context.Context) (dbus.ObjectPath, error) {
	path, err := b.collection(ctx)
	if err != nil {
		return "", err
	}
	if path == nowhere {
		return "", &Error{State: Missing}
	}
	locked, err := property[bool](ctx, b, path, collectionIface, "Locked")
	if err != nil {
		return "", fmt.Errorf("reading its state: %w", err)
	}
	if locked {
		return path, &Error{State: Locked}
	}
	return path, nil
}

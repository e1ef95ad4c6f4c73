package vault

import (
	"context"
	"errors"
	"time"

	"github.com/godbus/dbus/v5"
)

// dismissTime is what an unlock that ran out of time has left to take its prompt
// off the screen.
const dismissTime = 200 * time.Millisecond

// unlock opens the default collection, or makes it. One at a time: a second
// caller finds the work of the first done and shows no second prompt.
func (s store) unlock(ctx context.Context) error {
	select {
	case s.unlocking <- struct{}{}:
		defer func() { <-s.unlocking }()
	case <-ctx.Done():
		return &Error{State: Locked, Err: ctx.Err()}
	}
	b, err := dial(ctx, dismissTime)
	if err != nil {
		return err
	}
	defer b.close()
	prompt, err := b.askUnlock(ctx)
	if err != nil || prompt == nowhere {
		return err
	}
	if err := b.show(ctx, prompt); err != nil {
		return err
	}
	soon, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	_, err = b.unlockedCollection(soon)
	return err
}

// askUnlock returns the prompt that the service wants answered first, or "/".
func (b *bus) askUnlock(ctx context.Context) (dbus.ObjectPath, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	path, err := b.collection(ctx)
	if err != nil {
		return "", err
	}
	var prompt dbus.ObjectPath
	if path == nowhere {
		// gnome-keyring takes the file's name from the label; login.keyring, in lower
		// case, is the one that PAM opens.
		properties := map[string]dbus.Variant{collectionIface + ".Label": dbus.MakeVariant("login")}
		err := b.call(ctx, secretPath, serviceIface+".CreateCollection", []any{properties, "default"}, &path, &prompt)
		return prompt, err
	}
	var open []dbus.ObjectPath
	err = b.call(ctx, secretPath, serviceIface+".Unlock", []any{[]dbus.ObjectPath{path}}, &open, &prompt)
	return prompt, err
}

// show shows a prompt and waits for the person's answer.
func (b *bus) show(ctx context.Context, prompt dbus.ObjectPath) error {
	signals := make(chan *dbus.Signal, 16)
	b.conn.Signal(signals)
	if err := b.conn.AddMatchSignalContext(ctx, dbus.WithMatchObjectPath(prompt), dbus.WithMatchInterface(promptIface)); err != nil {
		return explain(ctx, err)
	}
	// Some services answer this call only once the prompt is gone.
	shown := b.conn.Object(secretService, prompt).GoWithContext(ctx, promptIface+".Prompt", 0, nil, "").Done
	for {
		select {
		case call := <-shown:
			if call.Err != nil && ctx.Err() == nil {
				return explain(ctx, call.Err)
			}
			shown = nil
		case s, ok := <-signals:
			if !ok {
				return &Error{State: Unanswering, Err: errors.New("the session bus went away")}
			}
			if s.Path != prompt || s.Name != promptIface+".Completed" || len(s.Body) == 0 {
				continue
			}
			if dismissed, _ := s.Body[0].(bool); dismissed {
				return &Error{State: Locked, Err: errDismissed}
			}
			return nil
		case <-ctx.Done():
			b.conn.Object(secretService, prompt).Go(promptIface+".Dismiss", dbus.FlagNoReplyExpected, nil)
			return &Error{State: Locked, Err: ctx.Err()}
		}
	}
}

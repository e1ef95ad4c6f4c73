package backend

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lockbox/proxy/register"
)

// loadTokens reads the list of tokens. Where a person can mend it, a list that
// cannot be read is no reason to end: no token passes until it can.
func (b *Backend) loadTokens() error {
	err := b.tokens.Load()
	if err != nil && b.opts.Desktop {
		b.opts.Logger.Error("the list of tokens is in trouble", "why", err)
		return nil
	}
	return err
}

// readTokens tries a list again that could not be read. b.edit must be held, and
// the config be loaded after it: the keys may be others.
func (b *Backend) readTokens() error {
	if b.tokens.Trouble() == nil {
		return nil
	}
	if err := b.tokens.Sync(); err != nil {
		b.publish()               // it may be another line by now
		return register.ErrUnread // the View says why
	}
	b.obeyPanic()
	b.publish()
	return nil
}

// SetTokensAside is for a list of tokens with a damaged line: it is copied to the
// side, and what can be read of it becomes the list, with every token revoked. It
// returns where the copy is; "" when the list turned out to be good.
func (b *Backend) SetTokensAside(ctx context.Context) (copied string, err error) {
	b.edit.Lock()
	defer b.edit.Unlock()
	copied, err = b.tokens.SetAside(time.Now())
	if err != nil {
		b.publish()
		return "", err
	}
	if copied != "" {
		b.opts.Logger.Warn("the damaged list of tokens was set aside, and every token revoked", "copy", copied)
	}
	b.obeyPanic()
	return copied, b.load(ctx)
}

// unread says why no token passes.
func unread(err error) Notice {
	const title, closed = "The list of tokens cannot be read", "Until the list can be read, every call with a token is refused, for nobody knows which are revoked. "
	if damage := (*register.Damage)(nil); errors.As(err, &damage) {
		return Notice{title, fmt.Sprintf("Line %d of %s is damaged: %v. %sMend the line or restore the file, and retry; or set the file aside and begin anew.",
			damage.Line, damage.Path, damage.Why, closed), "aside"}
	}
	return Notice{title, Sentence(err.Error()) + " " + closed + "Put that right, and retry.", "retry"}
}

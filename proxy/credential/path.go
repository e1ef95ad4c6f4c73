package credential

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
)

func (a *Applier) path(c *config.Credential, token secret.Value) error {
	token = trim(token)
	if token.IsZero() {
		return fmt.Errorf("token %w", ErrEmpty)
	}
	before, after := c.SplitSegment()
	segment := before + url.PathEscape(token.Reveal()) + after
	if segment == "." || segment == ".." {
		return errors.New("token cannot be . or .., which lead elsewhere")
	}
	a.segment = secret.New("/" + segment)
	a.secrets = append(a.secrets, token)
	return nil
}

// insert puts the segment of a path credential behind the path of the base URL.
func (a *Applier) insert(u *url.URL, base string) error {
	segment := a.segment.Reveal()
	if u.Opaque != "" { // as encoded
		rest, ok := strings.CutPrefix(u.Opaque, base)
		if !ok {
			return errOutside
		}
		u.Opaque = base + segment + rest
		return nil
	}
	rest, ok := strings.CutPrefix(u.EscapedPath(), base)
	if !ok {
		return errOutside
	}
	if rest == "/" && base == "" {
		rest = "" // http has no shorter path than /, but this one is not empty
	}
	raw := base + segment + rest
	path, err := url.PathUnescape(raw)
	if err != nil {
		return errOutside
	}
	u.Path, u.RawPath = path, raw
	return nil
}

var errOutside = errors.New("the request leads out of base_url")

// CutSegment takes the segment of a path credential off what comes after the base
// URL in an address that an upstream gave. Without one the rest is as it was.
func (a *Applier) CutSegment(rest string) string {
	if a.segment.IsZero() {
		return rest
	}
	after, ok := strings.CutPrefix(rest, a.segment.Reveal())
	if !ok || after != "" && !strings.ContainsRune("/?#", rune(after[0])) {
		return rest
	}
	return after
}

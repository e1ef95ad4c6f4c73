package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tailscale/hujson"

	"lockbox/proxy/secret"
)

// oauth reads what the two types of OAuth have.
func (d *decoder) oauth(o *object, t CredentialType) OAuth {
	a := OAuth{ClientID: d.key(o, "client_id")}
	if o.value("token_url") == nil {
		d.missing(o, "credential/", "token_url")
	} else if s, ok := d.text(o.value("token_url"), "credential/token_url"); ok {
		a.TokenURL = s
		if err := checkTokenURL(s); err != nil {
			d.fail(o.value("token_url"), "credential/token_url", "%v", err)
		}
	}
	if t == ClientCredentials {
		a.ClientSecret = d.key(o, "client_secret")
	} else {
		a.ClientSecret = d.optionalKey(o, "client_secret")
		a.RefreshToken = d.key(o, "refresh_token")
		d.warnFixed(o.value("refresh_token"), a.RefreshToken)
	}
	a.Scopes = d.scopes(o.value("scopes"))
	a.Audience = d.optionalText(o, "audience")
	if v := o.value("extra_params"); !isNull(v) {
		a.ExtraParams = d.params(v, "extra_params", checkExtraName)
	}
	a.AuthStyle = d.optionalText(o, "auth_style")
	if err := a.checkAuthStyle(); err != nil {
		d.fail(o.value("auth_style"), "credential/auth_style", "%v", err)
	}
	if a.Audience != "" && slices.ContainsFunc(a.ExtraParams, func(p Param) bool { return p.Name == "audience" }) {
		d.fail(o.value("extra_params"), "credential/extra_params", "has an audience too: remove one of them")
	}
	return a
}

// warnFixed tells of a refresh token that stands where a new one cannot be put.
func (d *decoder) warnFixed(v *hujson.Value, s secret.Source) {
	switch {
	case s.IsZero() || s.Ref.Scheme == secret.Keychain || s.Ref.Scheme == secret.File:
	case s.IsRef():
		d.warn(v, "credential/refresh_token", "cannot be replaced in the environment when the provider changes it, and would not outlive Lockbox then: keep it in the keychain")
	default:
		d.warn(v, "credential/refresh_token", "is not replaced in this file when the provider changes it, and would not outlive Lockbox then: keep it in the keychain")
	}
}

// optionalText reads a text that may be missing or null.
func (d *decoder) optionalText(o *object, key string) string {
	v := o.value(key)
	if isNull(v) {
		return ""
	}
	s, ok := d.text(v, "credential/"+key)
	if ok && strings.ContainsFunc(s, invisible) {
		d.fail(v, "credential/"+key, "has control characters")
	}
	return s
}

func (d *decoder) scopes(v *hujson.Value) []string {
	const field = "credential/scopes"
	if isNull(v) {
		return nil
	}
	list, ok := v.Value.(*hujson.Array)
	if !ok {
		d.fail(v, field, `must be a list, such as ["read", "write"]; it is %s`, kind(v))
		return nil
	}
	var scopes []string
	for i := range list.Elements {
		at := field + "/" + strconv.Itoa(i)
		s, ok := d.text(&list.Elements[i], at)
		if !ok {
			continue
		}
		if err := checkScope(s); err != nil {
			d.fail(&list.Elements[i], at, "%v", err)
			continue
		}
		scopes = append(scopes, s)
	}
	return scopes
}

// checkScope takes one scope-token of RFC 6749, appendix A.4.
func checkScope(s string) error {
	if s == "" {
		return errors.New("is empty")
	}
	if strings.Contains(s, " ") {
		return errors.New("has a space: write each scope as a text of its own")
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < '!' || r > '~' || r == '"' || r == '\\' }) {
		return errors.New("has a character that no scope can have")
	}
	return nil
}

// checkExtraName keeps extra_params off what has a field of its own.
func checkExtraName(s string) error {
	switch s {
	case "grant_type", "client_id", "client_secret", "refresh_token":
		return fmt.Errorf("cannot hold %s, which Lockbox sends by itself", s)
	case "scope":
		return errors.New(`cannot hold scope: write "scopes", a list, beside it`)
	}
	return checkParamName(s)
}

// checkTokenURL says what is wrong with a token endpoint. It does not repeat it.
func checkTokenURL(s string) error {
	switch {
	case s == "":
		return errors.New("is empty: write it as https://login.example.com/oauth/token")
	case len(s) > maxURLLength:
		return fmt.Errorf("is longer than %d bytes", maxURLLength)
	case !readable(s) || strings.ContainsFunc(s, invisible) || strings.ContainsAny(s, `\ `):
		return errors.New(`cannot have spaces, control characters or \`)
	case strings.Contains(s, "#"):
		return errors.New("cannot have a fragment (#)") // RFC 6749, section 3.2
	}
	u, err := url.Parse(s)
	if err != nil {
		return errors.New("is not a URL such as https://login.example.com/oauth/token")
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("must begin with https://")
	case u.User != nil:
		return errors.New("cannot hold a user name or password: they belong into client_id and client_secret")
	case u.Opaque != "":
		return errors.New("is not a URL such as https://login.example.com/oauth/token")
	}
	if err := checkHost(u); err != nil {
		return err
	}
	if u.Scheme == "http" && !loopbackHost(u.Hostname()) {
		return errors.New("must begin with https://: everyone on the way could read the client's secret and the tokens (http:// is taken for this machine only)")
	}
	return nil
}

// loopbackHost reports whether a host is this machine.
func loopbackHost(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}

func (a *OAuth) checkAuthStyle() error {
	switch {
	case a.AuthStyle != "" && a.AuthStyle != AuthInHeader && a.AuthStyle != AuthInParams:
		return errors.New("must be header or params")
	case a.AuthStyle == AuthInHeader && a.ClientSecret.IsZero():
		return errors.New("is header, for which a client_secret is needed")
	}
	return nil
}

// checkOAuth takes a credential that is to be written.
func (c *Credential) checkOAuth() error {
	a := &c.OAuth
	if err := checkTokenURL(a.TokenURL); err != nil {
		return fmt.Errorf("credential/token_url: %w", err)
	}
	for i, s := range a.Scopes {
		if err := checkScope(s); err != nil {
			return fmt.Errorf("credential/scopes/%d: %w", i, err)
		}
	}
	if !readable(a.Audience) || strings.ContainsFunc(a.Audience, invisible) {
		return errors.New("credential/audience: has control characters")
	}
	if err := a.checkAuthStyle(); err != nil {
		return fmt.Errorf("credential/auth_style: %w", err)
	}
	if a.Audience != "" && slices.ContainsFunc(a.ExtraParams, func(p Param) bool { return p.Name == "audience" }) {
		return errors.New("credential/extra_params: has an audience too")
	}
	return checkParams("extra_params", a.ExtraParams, checkExtraName)
}

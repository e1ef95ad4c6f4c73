package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"lockbox/proxy/config"
	"lockbox/proxy/register"
	"lockbox/proxy/token"
)

// maxQuoted bounds what an answer repeats of a token's claims, in bytes.
const maxQuoted = 100

// saying is the same problem with another sentence, for a case of its own.
func (p *problem) saying(detail string) *problem {
	return refuse(p.status, p.code, p.title, detail)
}

// tokenProblem is the one place where a verifier's errors become statuses. The
// claims are known where the token's signature is good: what they say, and what
// the service wants instead, is said to whoever set the call up.
func tokenProblem(err error, claims token.Claims, svc *config.Service) *problem {
	if err == nil {
		return nil
	}
	if paused, ok := errors.AsType[*register.Paused](err); ok {
		return pausedProblem(paused.Sight)
	}
	switch {
	case errors.Is(err, token.ErrNoKey):
		return errNoKey
	case errors.Is(err, token.ErrNotAdmin):
		return refuse(http.StatusForbidden, "not_admin", "Not an admin token", "This needs an admin token: lockbox admin-token prints one.")
	case errors.Is(err, token.ErrExpired):
		return refuse(http.StatusUnauthorized, "token_expired", "Token expired",
			fmt.Sprintf("The token expired at %s. Ask Lockbox's owner for a new one.", claims.Expires.UTC().Format(time.RFC3339)))
	case errors.Is(err, register.ErrRevoked):
		return refuse(http.StatusUnauthorized, "token_revoked", "Token revoked", "The token was revoked. Ask Lockbox's owner for a new one.")
	case errors.Is(err, register.ErrUnread):
		return refuse(http.StatusServiceUnavailable, "tokens_unreadable", "List of tokens unreadable", "Lockbox cannot read its list of tokens, and so not tell which are revoked. Its owner is told how to mend it.")
	case errors.Is(err, token.ErrIssuer):
		return refuse(http.StatusUnauthorized, "token_issuer", "Bad issuer", "The token was not made by Lockbox.")
	case errors.Is(err, token.ErrWrongService):
		return refuse(http.StatusUnauthorized, "token_service", "Wrong service", wrongService(claims, svc))
	case errors.Is(err, token.ErrAudience):
		return refuse(http.StatusUnauthorized, "token_audience", "Bad audience", wrongAudience(claims, svc))
	case errors.Is(err, token.ErrSignature):
		return refuse(http.StatusUnauthorized, "token_signature", "Bad signature", "The token was signed with another key: it is another Lockbox's, or this one's key was replaced since. Ask Lockbox's owner for a new one.")
	}
	return refuse(http.StatusUnauthorized, "token_malformed", "Malformed token", "This is no service token, or not all of it. Copy it anew, without quotes or line breaks.")
}

func wrongService(claims token.Claims, svc *config.Service) string {
	if claims.Service == "" {
		return fmt.Sprintf("The token opens no service; service %s needs one that lockbox token makes.", quoted(svc.Name))
	}
	return fmt.Sprintf("The token is for service %s, and the call is to service %s.", quoted(claims.Service), quoted(svc.Name))
}

func wrongAudience(claims token.Claims, svc *config.Service) string {
	has := "no audience"
	if len(claims.Audience) > 0 {
		has = "audience " + list(claims.Audience)
	}
	wants := list(svc.ValidAudiences)
	switch {
	case svc.ValidAudiences == nil:
		wants = "any, but one"
	case len(svc.ValidAudiences) == 0:
		wants = "none: all its tokens are taken back"
	}
	return fmt.Sprintf("The token has %s; service %s accepts %s.", has, quoted(svc.Name), wants)
}

// list is some texts in words.
func list(texts []string) string {
	var all []string
	for _, s := range texts {
		all = append(all, quoted(s))
	}
	joined := strings.Join(all, ", ")
	if len(joined) > 5*maxQuoted {
		return fmt.Sprintf("one of %d", len(texts))
	}
	return joined
}

func quoted(s string) string {
	if len(s) > maxQuoted {
		s = strings.ToValidUTF8(s[:maxQuoted], "") + "…"
	}
	return fmt.Sprintf("%q", s)
}

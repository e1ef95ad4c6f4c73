package credential

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"

	"golang.org/x/oauth2"

	"lockbox/proxy/secret"
)

// Fault is why there is no access token: what is wrong and what to change, as
// the end of a sentence that begins with the credential. It holds nothing of
// what a token endpoint said, which may repeat what it was sent.
type Fault struct{ text string }

// Error implements error.
func (f *Fault) Error() string { return f.text }

// faultOf puts an error of golang.org/x/oauth2 into words. refresh tells which
// grant was asked for.
func faultOf(err error, refresh bool) *Fault {
	var (
		refused *oauth2.RetrieveError
		dns     *net.DNSError
		cert    *tls.CertificateVerificationError
		network net.Error
		text    string
	)
	switch {
	case errors.As(err, &refused):
		text = refusal(refused, refresh)
	case errors.Is(err, context.Canceled):
		text = "was being fetched when Lockbox ended"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		text = fmt.Sprintf("cannot be fetched: the token endpoint gave no answer within %.0f seconds; check token_url, or try again later", fetchTime.Seconds())
	case errors.As(err, &dns) && dns.IsNotFound:
		text = "cannot be fetched: the host of the token endpoint does not exist; check token_url"
	case errors.Is(err, syscall.ECONNREFUSED):
		text = "cannot be fetched: the token endpoint refuses connections; check token_url, or try again later"
	case errors.As(err, &cert):
		text = "cannot be fetched: the token endpoint has a certificate that this machine does not trust for its host; check token_url"
	case errors.As(err, &network):
		text = "cannot be fetched: the token endpoint cannot be reached; check token_url and this machine's network"
	default:
		text = "cannot be fetched: the token endpoint's answer holds no token; check token_url"
	}
	return &Fault{text}
}

// refusal reads the codes of RFC 6749, section 5.2.
func refusal(e *oauth2.RetrieveError, refresh bool) string {
	status := 0
	if e.Response != nil {
		status = e.Response.StatusCode
	}
	switch e.ErrorCode {
	case "invalid_client":
		return "was refused (invalid_client): check client_id, client_secret and auth_style"
	case "invalid_grant":
		if refresh {
			return "was refused (invalid_grant): the refresh token has expired, was revoked or is another client's; allow Lockbox access at the provider anew and store the new refresh_token"
		}
		return "was refused (invalid_grant): check client_id, client_secret and extra_params"
	case "invalid_scope":
		return "was refused (invalid_scope): check scopes"
	case "unauthorized_client", "unsupported_grant_type":
		return "was refused (" + e.ErrorCode + "): the provider does not let this client use this kind of grant; check the credential's type, and the client's settings there"
	case "invalid_request", "invalid_target":
		return "was refused (" + e.ErrorCode + "): check audience, extra_params and auth_style"
	}
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fmt.Sprintf("was refused (status %d): check client_id, client_secret and auth_style", status)
	case status == http.StatusTooManyRequests, status >= 500:
		return fmt.Sprintf("cannot be fetched: the token endpoint answers with status %d; try again later", status)
	}
	return fmt.Sprintf("cannot be fetched: what is at token_url answers with status %d and no code of OAuth; check token_url", status)
}

// unsaved is the fault of a refresh token that was replaced and found no place.
// Where that is, the log says: it is no caller's business.
func unsaved(err error) *Fault {
	switch {
	case errors.Is(err, secret.ErrLocked):
		return &Fault{"is held back: the provider gave a new refresh token, which cannot be saved while the keychain is locked; unlock it"}
	case errors.Is(err, secret.ErrUnavailable):
		return &Fault{"is held back: the provider gave a new refresh token, which cannot be saved; see that the keychain can be used"}
	}
	return &Fault{"is held back: the provider gave a new refresh token, which cannot be saved where refresh_token points; keep it in the keychain, or where Lockbox may write"}
}

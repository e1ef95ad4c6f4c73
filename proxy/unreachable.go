package proxy

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"

	"lockbox/proxy/credential"
	"lockbox/proxy/guard"
)

// credentialProblem is why a credential could not be put on a call, or nil.
func credentialProblem(service string, err error) *problem {
	var fault *credential.Fault
	switch {
	case errors.As(err, &fault):
		return refuse(http.StatusBadGateway, "credential_unavailable", "Credential unavailable", fmt.Sprintf("The access token of service %q %s.", service, fault))
	case errors.Is(err, credential.ErrChunksSigned):
		return refuse(http.StatusBadRequest, "chunks_signed", "Chunks signed by the caller", "The body comes in chunks that the caller has signed with a key of its own: have its AWS SDK send bodies in one piece, or unsigned.")
	case errors.Is(err, credential.ErrUnhashed):
		return refuse(http.StatusRequestEntityTooLarge, "body_not_hashed", "Body too long to be signed", "Over http:// a body of more than 1 MiB is signed only where its hash comes along: send X-Amz-Content-Sha256, or set an https:// base_url.")
	}
	return nil
}

// upstreamProblem is the one place where a transport's errors become statuses.
func upstreamProblem(service string, err error) *problem {
	unreachable := func(why string) *problem {
		return refuse(http.StatusBadGateway, "upstream_unreachable", "Upstream unreachable", fmt.Sprintf("The upstream of service %q %s", service, why))
	}
	timeout := func(why string) *problem {
		return refuse(http.StatusGatewayTimeout, "upstream_timeout", "Upstream timeout", fmt.Sprintf("The upstream of service %q %s", service, why))
	}
	var (
		dns     *net.DNSError
		cert    *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
		noTLS   tls.RecordHeaderError
		dial    *net.OpError
	)
	if p := credentialProblem(service, err); p != nil {
		return p
	}
	var unread *guard.Unreadable
	if errors.As(err, &unread) {
		return refuse(http.StatusBadGateway, "leak_guard", "Answer held back", fmt.Sprintf("The answer of service %q %s, so that it cannot be searched for the credential: with \"leak_guard\": \"strict\" it is held back.", service, unread.Why))
	}
	switch {
	case errors.Is(err, errExtended):
		return refuse(http.StatusBadGateway, "leak_guard", "Answer held back", fmt.Sprintf("The upstream of service %q uses a WebSocket extension that it was not offered, so that its messages cannot be searched for the credential.", service))
	case errors.Is(err, errConnectTimeout):
		return timeout("could not be connected to in time (connect_timeout).")
	case errors.Is(err, errBlockedAddress):
		return unreachable("has a link-local or metadata address, which Lockbox calls for services with \"allow_link_local\": true only.")
	case errors.As(err, &dns) && dns.IsNotFound:
		return unreachable("has a host name that does not exist: check its base_url.")
	case isTimeout(err) && errors.As(err, &dial) && dial.Op == "dial": // the system's own patience
		return timeout("could not be connected to in time.")
	case isTimeout(err):
		return timeout("did not begin its answer in time (read_timeout).")
	case errors.As(err, &cert), errors.As(err, &unknown):
		return unreachable("has a certificate that this machine does not trust for its host.")
	case errors.As(err, &noTLS):
		return unreachable("does not speak TLS: its base_url may have to begin with http://.")
	case errors.Is(err, syscall.ECONNREFUSED):
		return unreachable("refuses connections: it may be down, or its base_url wrong.")
	}
	return unreachable("cannot be reached, or gave no valid answer.")
}

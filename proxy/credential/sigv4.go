package credential

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
)

const (
	dateHeader    = "X-Amz-Date"
	sessionHeader = "X-Amz-Security-Token"
	hashHeader    = "X-Amz-Content-Sha256"

	unsignedPayload = "UNSIGNED-PAYLOAD"
	// maxHashed is up to where a body is read before it is sent, in bytes.
	maxHashed = 1 << 20
)

// Errors of requests that cannot be signed, which are their caller's to mend.
var (
	// ErrChunksSigned: the caller's SDK signs each chunk with a key of its own.
	ErrChunksSigned = errors.New("the body's chunks are signed by the caller")
	// ErrUnhashed: a body over http:// that is too long to be hashed here.
	ErrUnhashed = errors.New("the body is too long to be signed over http")
)

// signer signs requests by AWS Signature Version 4.
type signer struct {
	v4              *v4.Signer
	keys            aws.Credentials
	region, service string
	s3              bool
}

func (a *Applier) aws(c *config.Credential, resolved func(string) secret.Value) error {
	id, key, session := trim(resolved("access_key_id")), trim(resolved("secret_access_key")), trim(resolved("session_token"))
	switch {
	case id.IsZero():
		return fmt.Errorf("access_key_id %w", ErrEmpty)
	case key.IsZero():
		return fmt.Errorf("secret_access_key %w", ErrEmpty)
	case session.IsZero() && !c.AWS.SessionToken.IsZero():
		return fmt.Errorf("session_token %w", ErrEmpty)
	}
	a.secrets = nonZero(key, session)
	if c.AWS.AccessKeyID.IsRef() {
		a.secrets = append(a.secrets, id)
	}
	// The names that S3's kinds are signed for: s3, s3express, s3-outposts, …
	s3 := c.AWS.Service == "s3" || strings.HasPrefix(c.AWS.Service, "s3-") || c.AWS.Service == "s3express"
	a.signer = &signer{
		v4: v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = s3 }),
		keys: aws.Credentials{
			AccessKeyID: id.Reveal(), SecretAccessKey: key.Reveal(), SessionToken: session.Reveal(),
		},
		region: c.AWS.Region, service: c.AWS.Service, s3: s3,
	}
	return nil
}

// sign signs a request as it stands, and returns the signature.
func (s *signer) sign(r *http.Request, now time.Time) (secret.Value, error) {
	hash, err := s.hash(r)
	if err != nil {
		return secret.Value{}, err
	}
	// The signer works on a likeness: it would write the query anew.
	signed := &http.Request{Method: r.Method, Host: r.Host, Header: http.Header{}, URL: s.address(r.URL)}
	for name, values := range r.Header {
		// What no one on the way changes, and AWS wants signed.
		if strings.HasPrefix(name, "X-Amz-") || name == "Content-Type" || name == "Content-Md5" {
			signed.Header[name] = values
		}
	}
	if err := s.v4.SignHTTP(r.Context(), s.keys, signed, hash, s.service, s.region, now); err != nil {
		return secret.Value{}, err
	}
	for _, name := range []string{"Authorization", dateHeader, sessionHeader} {
		if values := signed.Header[name]; values != nil {
			r.Header[name] = values
		}
	}
	r.Host = signed.Host // less a port that is the scheme's own
	_, signature, _ := strings.Cut(signed.Header.Get("Authorization"), "Signature=")
	return secret.New(signature), nil
}

// address is what is signed of a URL.
func (s *signer) address(u *url.URL) *url.URL {
	likeness := *u
	likeness.RawQuery = normal(u.RawQuery)
	if s.s3 {
		return &likeness
	}
	// All but S3 read a path without its empty segments.
	path := u.Opaque
	if path == "" {
		path = u.EscapedPath()
	}
	var segments []string
	for segment := range strings.SplitSeq(path, "/") {
		if segment != "" && segment != "." {
			segments = append(segments, segment)
		}
	}
	plain := "/" + strings.Join(segments, "/")
	if len(segments) > 0 && strings.HasSuffix(path, "/") {
		plain += "/"
	}
	likeness.Opaque = "//" + u.Host + plain
	return &likeness
}

// normal is a query that net/url reads as AWS does: it would drop a parameter
// with a semicolon or with a % that encodes nothing.
func normal(raw string) string {
	var parts []string
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		parts = append(parts, escape(unescape(name))+"="+escape(unescape(value)))
	}
	return strings.Join(parts, "&")
}

// hash is what is signed of the body: its hash, or that it is not signed. A
// caller that sends a hash is taken at its word, which AWS checks.
func (s *signer) hash(r *http.Request) (string, error) {
	if given := r.Header[hashHeader]; len(given) > 1 || len(given) == 1 && given[0] != "" {
		if len(given) > 1 || strings.HasPrefix(given[0], "STREAMING-AWS4-") {
			return "", ErrChunksSigned
		}
		return given[0], nil
	}
	hash, err := s.hashBody(r)
	if err != nil {
		return "", err
	}
	if s.s3 || hash == unsignedPayload {
		r.Header[hashHeader] = []string{hash}
	}
	return hash, nil
}

func (s *signer) hashBody(r *http.Request) (string, error) {
	secure := r.URL.Scheme == "https"
	switch {
	case r.Body == nil || r.Body == http.NoBody:
		return hashOf(nil), nil
	case s.s3 && secure && r.ContentLength < 0:
		return unsignedPayload, nil // as a stream, from its first byte on
	case r.ContentLength <= maxHashed:
		head, err := io.ReadAll(io.LimitReader(r.Body, maxHashed+1))
		if err != nil {
			return "", err
		}
		if len(head) <= maxHashed {
			r.Body = &replay{bytes.NewReader(head), r.Body}
			return hashOf(head), nil
		}
		r.Body = &replay{io.MultiReader(bytes.NewReader(head), r.Body), r.Body}
	}
	if !secure {
		return "", ErrUnhashed
	}
	return unsignedPayload, nil
}

func hashOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// replay is a body whose beginning was read.
type replay struct {
	io.Reader
	io.Closer
}

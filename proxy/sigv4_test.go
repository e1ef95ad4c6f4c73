package proxy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go/aws-http-auth/credentials"
	"github.com/aws/smithy-go/aws-http-auth/sigv4"
	v4 "github.com/aws/smithy-go/aws-http-auth/v4"
)

const (
	awsID      = "AKIDEXAMPLE"
	awsKey     = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	awsSession = "IQoJb3JpZ2luX2VjEXAMPLE/token+with=="
)

// awsUpstream takes what is signed right, by the reckoning of another
// implementation than the one that signs.
func awsUpstream(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = verify(r, body)
	}
	if err != nil {
		w.WriteHeader(http.StatusForbidden)
		printf(w, "SignatureDoesNotMatch: %v", err)
		return
	}
	sum := sha256.Sum256(body)
	printf(w, "%s %d %x %s %s", r.RequestURI, len(body), sum[:4], r.Header.Get("X-Amz-Content-Sha256"), r.Header.Get("Authorization"))
}

// signedOnly are the headers that a signature names.
type signedOnly []string

func (s signedOnly) IsSigned(name string) bool { return slices.Contains(s, name) }

func verify(r *http.Request, body []byte) error {
	auth := r.Header.Get("Authorization")
	if len(r.Header["Authorization"]) != 1 || len(r.Header["X-Amz-Date"]) != 1 || len(r.Header["X-Amz-Security-Token"]) > 1 {
		return fmt.Errorf("headers %v", r.Header)
	}
	rest, ok := strings.CutPrefix(auth, "AWS4-HMAC-SHA256 Credential="+awsID+"/")
	fields := strings.FieldsFunc(rest, func(r rune) bool { return r == '/' || r == ',' || r == ' ' || r == '=' })
	if !ok || len(fields) != 8 { // date, region, service, aws4_request, and two names with values
		return fmt.Errorf("Authorization %q", auth)
	}
	when, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil || time.Since(when).Abs() > time.Minute {
		return fmt.Errorf("X-Amz-Date %q", r.Header.Get("X-Amz-Date"))
	}
	sum := sha256.Sum256(body)
	hash := sum[:]
	switch given := r.Header.Get("X-Amz-Content-Sha256"); {
	case given == "UNSIGNED-PAYLOAD":
		hash = v4.UnsignedPayload()
	case given != "" && given != hex.EncodeToString(hash):
		return fmt.Errorf("the body's hash is not %s", given)
	}
	again := r.Clone(r.Context())
	again.URL = &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	in := &sigv4.SignRequestInput{
		Request: again, PayloadHash: hash, Region: fields[1], Service: fields[2], Time: when,
		Credentials: credentials.Credentials{AccessKeyID: awsID, SecretAccessKey: awsKey, SessionToken: r.Header.Get("X-Amz-Security-Token")},
	}
	signer := sigv4.New(func(o *v4.SignerOptions) {
		o.HeaderRules = signedOnly(strings.Split(fields[5], ";"))
		o.DisableDoublePathEscape = fields[2] == "s3"
	})
	if err := signer.SignRequest(in); err != nil {
		return err
	}
	if got := again.Header.Get("Authorization"); got != auth {
		return fmt.Errorf("%s, want %s", auth, got)
	}
	return nil
}

func awsCredential(service, more string) string {
	return fmt.Sprintf(`"credential": {"type": "aws_sigv4", "access_key_id": %q, "secret_access_key": %q, "region": "eu-central-1", "service": %q%s}, `+unguarded, awsID, awsKey, service, more)
}

// TestSigV4: what callers send arrives as they sent it, signed.
func TestSigV4(t *testing.T) {
	plain := upstreamOf(t, awsUpstream)
	secure := httptest.NewUnstartedServer(http.HandlerFunc(awsUpstream))
	secure.EnableHTTP2 = true
	secure.StartTLS()
	t.Cleanup(secure.Close)
	l := newLab(t, services(
		"s3", open(secure.URL, awsCredential("s3", "")),
		"s3-http", open(plain.URL+"/base", awsCredential("s3", fmt.Sprintf(`, "session_token": %q`, awsSession))),
		"api", open(plain.URL, awsCredential("execute-api", "")),
		"wrong", open(plain.URL, strings.Replace(awsCredential("s3", ""), awsKey, "another-key", 1)),
	), func(l *lab) { l.outward.roots = trust(secure) })
	small, large := strings.Repeat("s", 1<<20), strings.Repeat("l", 5<<20)
	sum := sha256.Sum256([]byte(large))
	hash := hex.EncodeToString(sum[:])
	tests := []struct {
		service, method, path, body string
		stream                      bool
		headers                     []string
		status                      int
		target, payload             string // "hash": the body's
	}{
		{"s3", "GET", "/bucket/a%20b/c%2Fd?list-type=2&prefix=x%2Fy&a", "", false, nil, 200, "/bucket/a%20b/c%2Fd?list-type=2&prefix=x%2Fy&a", "hash"},
		{"s3", "PUT", "/k", small, false, []string{"Content-Type", "text/plain", "X-Amz-Meta-A", "b"}, 200, "/k", "hash"},
		{"s3", "PUT", "/k", large, false, nil, 200, "/k", "UNSIGNED-PAYLOAD"},
		{"s3", "PUT", "/k", "few", true, nil, 200, "/k", "UNSIGNED-PAYLOAD"},
		{"s3", "PUT", "/k", large, true, nil, 200, "/k", "UNSIGNED-PAYLOAD"},
		{"s3", "PUT", "/k", large, true, []string{"X-Amz-Content-Sha256", hash}, 200, "/k", "hash"},
		{"s3", "PUT", "/k", "other", false, []string{"X-Amz-Content-Sha256", hash}, 403, "", ""},
		{"s3", "PUT", "/k", "x", false, []string{"X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}, 400, "", "chunks_signed"},
		{"s3-http", "PUT", "/k//l", small, true, nil, 200, "/base/k//l", "hash"},
		{"s3-http", "PUT", "/k", large, false, []string{"X-Amz-Content-Sha256", hash}, 200, "/base/k", "hash"},
		{"s3-http", "PUT", "/k", large, false, nil, 413, "", "body_not_hashed"},
		{"s3-http", "PUT", "/k", large, true, nil, 413, "", "body_not_hashed"},
		{"s3-http", "DELETE", "/", "", false, []string{"X-Amz-Security-Token", "the caller's", "X-Amz-Date", "20000101T000000Z", "Authorization", "AWS4-HMAC-SHA256 Credential=x"}, 200, "/base/", "hash"},
		{"api", "POST", "/a%20b/%C3%A9?q=%2F&b=a%20b&b=", `{"a": 1}`, true, []string{"Content-Type", "application/json"}, 200, "/a%20b/%C3%A9?q=%2F&b=a%20b&b=", ""},
		{"api", "GET", "/?b=2&a=1&a=0", "", false, []string{"Accept-Encoding", "gzip", "User-Agent", "x"}, 200, "/?b=2&a=1&a=0", ""},
		{"wrong", "GET", "/", "", false, nil, 403, "", ""},
	}
	for i, tt := range tests {
		var body io.Reader
		if tt.body != "" {
			body = strings.NewReader(tt.body)
		}
		if tt.stream {
			body = io.MultiReader(body)
		}
		r := do(t, request(t, tt.method, l.url+"/s/"+tt.service+tt.path, body, tt.headers...))
		if r.status != tt.status {
			t.Errorf("%d: %d %.300s, want %d", i, r.status, r.body, tt.status)
			continue
		}
		switch {
		case tt.status == 200:
			sum := sha256.Sum256([]byte(tt.body))
			payload := tt.payload
			if payload == "hash" {
				payload = hex.EncodeToString(sum[:])
			}
			if want := fmt.Sprintf("%s %d %x %s AWS4", tt.target, len(tt.body), sum[:4], payload); !strings.HasPrefix(r.body, want) {
				t.Errorf("%d: %.300s, want %s", i, r.body, want)
			}
		case tt.payload != "":
			if got := r.code(t); got != tt.payload {
				t.Errorf("%d: %s, want %s", i, got, tt.payload)
			}
		}
		// The signature is good for some minutes, to whoever has it.
		if _, signature, ok := strings.Cut(r.body, "Signature="); ok && strings.Contains(l.recorded(t), signature[:64]) {
			t.Errorf("%d: the signature is on record", i)
		}
	}
	all := l.recorded(t)
	for _, s := range []string{awsKey, url.QueryEscape(awsKey), awsSession} {
		if strings.Contains(all, s) {
			t.Error("a secret is on record or in the log")
		}
	}
}

// TestSigV4Streams: a body whose hash is not needed arrives while it is sent.
func TestSigV4Streams(t *testing.T) {
	got := make(chan string)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for {
			p := make([]byte, 100)
			n, err := r.Body.Read(p)
			if n > 0 {
				got <- string(p[:n])
			}
			if err != nil {
				close(got)
				return
			}
		}
	}))
	t.Cleanup(secure.Close)
	l := newLab(t, services("s3", open(secure.URL, awsCredential("s3", ""))), func(l *lab) { l.outward.roots = trust(secure) })
	reader, writer := io.Pipe()
	answered := make(chan reply, 1)
	go func() { answered <- do(t, request(t, "PUT", l.url+"/s/s3/k", reader)) }()
	for _, part := range []string{"one", "two", "three"} {
		printf(writer, "%s", part)
		if arrived := <-got; arrived != part {
			t.Errorf("%q arrived, want %q", arrived, part)
		}
	}
	_ = writer.Close()
	if _, more := <-got; more {
		t.Error("more arrived than was sent")
	}
	if r := <-answered; r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// TestSigV4Redirect: what follows a redirect is signed anew.
func TestSigV4Redirect(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		if err := verify(r, nil); err == nil && r.URL.Path == "/a" {
			http.Redirect(w, r, "/b?c=d", http.StatusTemporaryRedirect)
			return
		}
		awsUpstream(w, r)
	})
	l := newLab(t, services("s3", open(up.URL, awsCredential("s3", ""), `"allow_redirects": true`)))
	if r := get(t, l.url+"/s/s3/a"); r.status != 200 || !strings.HasPrefix(r.body, "/b?c=d 0") {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// TestSigV4CutShort: a caller that leaves in the middle of its body is told so,
// and nothing is signed or sent.
func TestSigV4CutShort(t *testing.T) {
	called := false
	up := upstreamOf(t, func(http.ResponseWriter, *http.Request) { called = true })
	l := newLab(t, services("s3", open(up.URL, awsCredential("s3", ""))), func(l *lab) { l.stall = 200 * time.Millisecond })
	r := raw(t, l.addr, "PUT /s/s3/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf")
	if r.status != 400 || r.code(t) != "bad_body" || called {
		t.Errorf("%d %s, the upstream called: %v", r.status, r.body, called)
	}
}

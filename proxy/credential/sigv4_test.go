package credential

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lockbox/proxy/config"
)

// signs prepares a credential of AWS.
func signs(t *testing.T, region, service, session string) *Applier {
	t.Helper()
	return awsOf(t, "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", region, service, session)
}

func awsOf(t *testing.T, id, key, region, service, session string) *Applier {
	t.Helper()
	c := &config.Credential{Type: config.SigV4, AWS: config.AWS{AccessKeyID: lit(id), SecretAccessKey: lit(key), SessionToken: lit(session), Region: region, Service: service}}
	a, err := New(c, literals(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// at runs f at a time.
func at(t *testing.T, when string, f func(*testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		then, err := time.Parse("20060102T150405Z", when)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(then))
		f(t)
	})
}

// apply signs a request and returns its signature.
func apply(t *testing.T, a *Applier, r *http.Request) string {
	t.Helper()
	ready, err := a.Ready(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := ready.Apply(r, ""); err != nil {
		t.Fatal(err)
	}
	_, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
	if s := ready.Secrets(); len(s) != 1 || s[0].Reveal() != signature {
		t.Errorf("the call's secrets are %d, want its signature", len(s))
	}
	return signature
}

func target(t *testing.T, method, address, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.GetBody = nil
	return r
}

// TestSigV4Published has the examples that AWS has in its documentation.
func TestSigV4Published(t *testing.T) {
	tests := []struct {
		name, when, id, key, region, service string
		request                              func(*testing.T) *http.Request
		want                                 string
	}{
		{"test suite, get-vanilla", "20150830T123600Z", "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service",
			func(t *testing.T) *http.Request { return target(t, "GET", "https://example.amazonaws.com/", "") },
			"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"IAM, ListUsers", "20150830T123600Z", "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "iam",
			func(t *testing.T) *http.Request {
				r := target(t, "GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", "")
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
				return r
			}, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"},
		{"S3, list objects", "20130524T000000Z", "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1", "s3",
			func(t *testing.T) *http.Request {
				return target(t, "GET", "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J", "")
			}, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
		{"S3, bucket lifecycle", "20130524T000000Z", "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1", "s3",
			func(t *testing.T) *http.Request {
				return target(t, "GET", "https://examplebucket.s3.amazonaws.com/?lifecycle", "")
			}, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at(t, tt.when, func(t *testing.T) {
				if got := apply(t, awsOf(t, tt.id, tt.key, tt.region, tt.service, ""), tt.request(t)); got != tt.want {
					t.Errorf("signature %s, want %s", got, tt.want)
				}
			})
		})
	}
}

// TestSigV4Others: requests are signed as two other implementations sign them;
// testdata/sigv4.mjs has asked them. What is sent is the request as it was.
func TestSigV4Others(t *testing.T) {
	text, err := os.ReadFile("testdata/sigv4.json")
	if err != nil {
		t.Fatal(err)
	}
	var tests []struct {
		Name, Method, URL, Service, Region, Session, Body, AWS4, Smithy string
		Headers                                                         map[string]string
	}
	if err := json.Unmarshal(text, &tests); err != nil || len(tests) < 10 {
		t.Fatalf("%d vectors: %v", len(tests), err)
	}
	for _, tt := range tests {
		t.Run(tt.Name, func(t *testing.T) {
			at(t, "20150830T123600Z", func(t *testing.T) {
				r := target(t, tt.Method, tt.URL, tt.Body)
				for name, value := range tt.Headers {
					r.Header.Set(name, value)
				}
				// None of these is signed: something on the way may change it.
				for _, name := range []string{"User-Agent", "Accept", "Accept-Encoding", "X-Request-Id", "Range"} {
					r.Header.Set(name, "x")
				}
				got := apply(t, signs(t, tt.Region, tt.Service, tt.Session), r)
				if got != tt.AWS4 || got != tt.Smithy {
					t.Errorf("signature %s, want %s as aws4 has it and %s as Smithy has it", got, tt.AWS4, tt.Smithy)
				}
				body, err := io.ReadAll(r.Body)
				if r.URL.String() != tt.URL || string(body) != tt.Body || err != nil {
					t.Errorf("%s with body %q is sent, want %s with %q: %v", r.URL, body, tt.URL, tt.Body, err)
				}
				if r.Header.Get("X-Amz-Security-Token") != tt.Session || r.Header.Get("X-Amz-Date") != "20150830T123600Z" {
					t.Errorf("headers %v", r.Header)
				}
			})
		})
	}
}

// TestSigV4OddQuery: what net/url would leave out of a query is signed too, as
// the same query well encoded is.
func TestSigV4OddQuery(t *testing.T) {
	for odd, plain := range map[string]string{
		"a=1;b=2": "a=1%3Bb%3D2", "a=%zz&b": "a=%25zz&b=", "&&a=1&": "a=1", "a=b+c": "a=b%20c", "a=%c3%a9": "a=%C3%A9", "é=1": "%C3%A9=1", "b=1&a=2": "a=2&b=1", "": "",
	} {
		at(t, "20150830T123600Z", func(t *testing.T) {
			a := signs(t, "us-east-1", "execute-api", "")
			r := &http.Request{Method: "GET", Header: http.Header{}, URL: &url.URL{Scheme: "https", Host: "x.example", Path: "/", RawQuery: odd}}
			got := apply(t, a, r)
			if want := apply(t, a, target(t, "GET", "https://x.example/?"+plain, "")); got != want {
				t.Errorf("%q is not signed like %q", odd, plain)
			}
			if r.URL.RawQuery != odd {
				t.Errorf("%q became %q", odd, r.URL.RawQuery)
			}
		})
	}
}

// TestSigV4Opaque: a path that a URL would encode anew is signed as it is sent.
func TestSigV4Opaque(t *testing.T) {
	at(t, "20150830T123600Z", func(t *testing.T) {
		for _, service := range []string{"s3", "execute-api"} {
			a := signs(t, "us-east-1", service, "")
			r := target(t, "GET", "https://x.example/", "")
			r.URL = &url.URL{Scheme: "https", Host: "x.example", Path: "/a/b c", Opaque: "/a/b%20c"}
			if got, want := apply(t, a, r), apply(t, a, target(t, "GET", "https://x.example/a/b%20c", "")); got != want {
				t.Errorf("%s: signature %s, want %s", service, got, want)
			}
			r = target(t, "GET", "https://x.example:443/a", "")
			if got, want := apply(t, a, r), apply(t, a, target(t, "GET", "https://x.example/a", "")); got != want || r.Host != "x.example" {
				t.Errorf("%s: the scheme's own port is signed, or sent in Host %q", service, r.Host)
			}
		}
	})
}

// TestSigV4Payload: what is signed of a body, and that it arrives whole.
func TestSigV4Payload(t *testing.T) {
	small, large := strings.Repeat("s", maxHashed), strings.Repeat("l", maxHashed+1)
	const hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	tests := []struct {
		name, service, base, body string
		known                     bool // its length
		given                     string
		want                      string // of X-Amz-Content-Sha256; "hash": the body's
		err                       error
	}{
		{"s3, small", "s3", "https://x.example", small, true, "", "hash", nil},
		{"s3, large", "s3", "https://x.example", large, true, "", unsignedPayload, nil},
		{"s3, a stream", "s3", "https://x.example", "few", false, "", unsignedPayload, nil},
		{"s3 over http, small stream", "s3", "http://x.example", small, false, "", "hash", nil},
		{"s3 over http, large stream", "s3", "http://x.example", large, false, "", "", ErrUnhashed},
		{"s3 over http, large", "s3", "http://x.example", large, true, "", "", ErrUnhashed},
		{"s3 over http, large, hashed", "s3", "http://x.example", large, true, hash, hash, nil},
		{"s3, hashed", "s3", "https://x.example", "any", true, hash, hash, nil},
		{"s3, unsigned trailer", "s3", "https://x.example", "any", false, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", nil},
		{"s3, signed chunks", "s3", "https://x.example", "any", true, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "", ErrChunksSigned},
		{"s3, none", "s3", "https://x.example", "", true, "", hash, nil},
		{"s3-outposts", "s3-outposts", "https://x.example", "few", true, "", "hash", nil},
		{"sqs, small", "sqs", "https://x.example", small, true, "", "", nil},
		{"sqs, small stream", "sqs", "https://x.example", small, false, "", "", nil},
		{"sqs, large stream", "sqs", "https://x.example", large, false, "", unsignedPayload, nil},
		{"sqs, none", "sqs", "https://x.example", "", true, "", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := signs(t, "us-east-1", tt.service, "")
			r := target(t, "PUT", tt.base+"/k", tt.body)
			if !tt.known {
				r.ContentLength = -1
			}
			if tt.given != "" {
				r.Header.Set(hashHeader, tt.given)
			}
			length := r.ContentLength
			ready, err := a.Ready(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := ready.Apply(r, ""); !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if tt.err != nil {
				return
			}
			want := tt.want
			if want == "hash" {
				want = hashOf([]byte(tt.body))
			}
			if got := r.Header.Get(hashHeader); got != want {
				t.Errorf("%s %q, want %q", hashHeader, got, want)
			}
			body, err := io.ReadAll(r.Body)
			if err != nil || !bytes.Equal(body, []byte(tt.body)) || r.ContentLength != length {
				t.Errorf("%d bytes of length %d arrive, want %d of %d: %v", len(body), r.ContentLength, len(tt.body), length, err)
			}
		})
	}
}

// TestSigV4BodyFails: a body that cannot be read is not signed.
func TestSigV4BodyFails(t *testing.T) {
	a := signs(t, "us-east-1", "sqs", "")
	r := target(t, "PUT", "https://x.example/", "x")
	gone := errors.New("gone")
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader("x"), failing{gone}))
	ready, err := a.Ready(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := ready.Apply(r, ""); !errors.Is(err, gone) || r.Header.Get("Authorization") != "" {
		t.Errorf("%v, Authorization %q", err, r.Header.Get("Authorization"))
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

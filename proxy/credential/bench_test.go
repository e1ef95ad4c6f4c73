package credential

import (
	"net/http"
	"net/url"
	"testing"

	"lockbox/proxy/config"
	"lockbox/proxy/oauthtest"
)

// What each kind of credential adds to a request, once there is a token.
func BenchmarkApply(b *testing.B) {
	bench := &bench{server: oauthtest.New(oauthtest.Options{ID: "client", Secret: clientSecret})}
	bench.Tokens = NewTokens(bench, nil, nil)
	b.Cleanup(bench.Tokens.Close)
	aws := &config.Credential{Type: config.SigV4, AWS: config.AWS{AccessKeyID: lit("AKID"), SecretAccessKey: lit("key"), Region: "eu-central-1", Service: "s3"}}
	for name, c := range map[string]*config.Credential{
		"bearer": {Type: config.Bearer, Token: lit("key")},
		"query":  {Type: config.Query, Params: []config.Param{{Name: "api_key", Value: lit("key")}}},
		"oauth":  asClient(),
		"aws":    aws,
	} {
		a, err := New(c, literals(c), bench.Tokens)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ready, err := a.Ready(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				r := &http.Request{Method: "GET", Header: http.Header{}, URL: &url.URL{Scheme: "https", Host: "x.example", Path: "/a", RawQuery: "a=1&b=2"}}
				if err := ready.Apply(r, ""); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

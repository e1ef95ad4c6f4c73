package credential

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lockbox/proxy/oauthtest"
)

// TestFaults: each failure says what to change, and nothing of what the endpoint
// said; the next calls do not ask again at once.
func TestFaults(t *testing.T) {
	const canary = "sk-canary-from-the-endpoint"
	says := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Location", "https://evil.example/"+canary)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	code := func(code string) http.HandlerFunc {
		return says(400, "application/json", `{"error": "`+code+`", "error_description": "`+canary+`", "error_uri": "`+canary+`"}`)
	}
	tests := []struct {
		name   string
		front  http.HandlerFunc
		err    error
		person bool
		want   string
	}{
		{"wrong secret", nil, nil, false, "check client_id, client_secret and auth_style"},
		{"dead refresh token", code("invalid_grant"), nil, true, "store the new refresh_token"},
		{"invalid_grant of a client", code("invalid_grant"), nil, false, "check client_id, client_secret and extra_params"},
		{"scope", code("invalid_scope"), nil, false, "check scopes"},
		{"grant", code("unauthorized_client"), nil, false, "the credential's type"},
		{"request", code("invalid_request"), nil, false, "check audience, extra_params and auth_style"},
		{"unknown code", code(canary), nil, false, "status 400"},
		{"error with 200", says(200, "application/json", `{"error": "`+canary+`"}`), nil, false, "status 200"},
		{"page", says(200, "text/html", "<p>"+canary), nil, false, "holds no token; check token_url"},
		{"form without a token", says(200, "text/plain", "x="+canary), nil, false, "holds no token; check token_url"},
		{"not found", says(404, "text/html", canary), nil, false, "status 404 and no code of OAuth; check token_url"},
		{"redirect", says(307, "text/html", canary), nil, false, "status 307"},
		{"down", says(503, "text/html", canary), nil, false, "status 503; try again later"},
		{"too many", says(429, "application/json", `{"e": "`+canary+`"}`), nil, false, "status 429; try again later"},
		{"forbidden", says(403, "application/json", `["`+canary+`"]`), nil, false, "status 403): check client_id"},
		{"network", nil, fmt.Errorf("dial: %w", io.ErrUnexpectedEOF), false, "check token_url"},
		{"line break in the token", says(200, "application/json", `{"access_token": "a\n`+canary+`"}`), nil, false, "no header can carry"},
		{"another type", says(200, "application/json", `{"access_token": "`+canary+`", "token_type": "dpop"}`), nil, false, "is of a type"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, oauthtest.Options{Secret: clientSecret})
				c := asClient()
				if tt.person {
					c = b.asPerson(t)
				}
				asked := 0
				b.err = tt.err
				b.front = func(w http.ResponseWriter, r *http.Request) {
					asked++
					if tt.front != nil {
						tt.front(w, r)
						return
					}
					b.server.ServeHTTP(w, r)
				}
				if tt.name == "wrong secret" {
					c.OAuth.ClientSecret = lit(canary)
				}
				a := b.applier(t, c)
				_, err := token(t.Context(), a)
				var fault *Fault
				if !errors.As(err, &fault) || !strings.Contains(err.Error(), tt.want) {
					t.Fatalf("error %v, want one that says %q", err, tt.want)
				}
				for range 10 {
					if _, again := token(t.Context(), a); again == nil || again.Error() != err.Error() {
						t.Errorf("the next call: %v", again)
					}
				}
				if asked > 1 {
					t.Errorf("the endpoint was asked %d times at once", asked)
				}
				if strings.Contains(err.Error()+b.log(), canary) || strings.Contains(err.Error()+b.log(), clientSecret) {
					t.Errorf("%v, or the log, shows what the endpoint said:\n%s", err, b.log())
				}
				// It is asked again, and all is well.
				time.Sleep(pause)
				b.front, b.err = nil, nil
				if tt.name != "wrong secret" {
					mustToken(t, a)
				}
			})
		})
	}
}

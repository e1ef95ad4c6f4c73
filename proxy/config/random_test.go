package config

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestEditRandom edits files with comments and line breaks at every place where
// there can be any.
func TestEditRandom(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1)) // #nosec G404 -- a test that repeats
		src := randomFile(r)
		mustParse(t, src)
		old := []string{"", "a", "b", "c"}[r.IntN(4)]
		name := []string{"a", "b", "c", "new"}[r.IntN(4)]
		headers := []string{"X-A,X-B", "X-B,X-A", "X-C,x-a", "X-B", "X-A,X-C,X-B"}[r.IntN(5)]
		audiences := []string{"p,q", "q,p", "q", "r,p,q", "p,r"}[r.IntN(5)]
		s := fuzzService(name, "new.example", "env://K", headers, audiences, r.Uint32N(3)*15000, uint8(r.UintN(256))) // #nosec G115
		checkEdit(t, src, old, s)
		if t.Failed() {
			t.Fatalf("seed %d: %q → %q", seed, old, name)
		}
	}
}

// randomFile has services a, b and c.
func randomFile(r *rand.Rand) []byte {
	comments := 0
	extra := func() string {
		var b strings.Builder
		for range r.IntN(4) {
			switch comments++; r.IntN(8) {
			case 0:
				fmt.Fprintf(&b, "// line %d.\n", comments)
			case 1:
				fmt.Fprintf(&b, "/* block %d. */", comments)
			case 2:
				fmt.Fprintf(&b, "/* two\n lines %d. */", comments)
			case 3:
				b.WriteString("\n")
			case 4:
				b.WriteString("\r\n\t")
			case 5:
				b.WriteString("\n\n  ")
			default:
				b.WriteString(" ")
			}
		}
		return b.String()
	}
	join := func(open, end string, items ...string) string {
		var b strings.Builder
		b.WriteString(open)
		for i, item := range items {
			b.WriteString(extra() + item + extra())
			if i < len(items)-1 || r.IntN(2) == 0 {
				b.WriteString("," + extra())
			}
		}
		return b.String() + extra() + end
	}
	member := func(name, value string) string { return `"` + name + `"` + extra() + ":" + extra() + value }
	service := func() string {
		items := []string{member("base_url", `"old.example"`), member("_x", join("[", "]", "1", "2"))}
		for _, item := range []string{
			member("credential", []string{
				join("{", "}", member("token", `"env://T"`)),
				join("{", "}", member("headers", join("{", "}", member("X-A", `"1"`), member("X-B", `"2"`)))),
				join("{", "}", member("password", `""`), member("username", `"x"`), member("_y", "1")),
				join("{", "}", member("type", `"query"`), member("params", join("{", "}", member("X-A", `"1"`), member("X-B", `"env://T"`))), member("_y", "1")),
				join("{", "}", member("scopes", join("[", "]", `"p"`, `"q"`)), member("type", `"oauth2_refresh_token"`), member("token_url", `"https://t.example/"`), member("client_id", `"x"`),
					member("client_secret", "null"), member("refresh_token", `"env://T"`), member("auth_style", `"params"`), member("extra_params", join("{", "}", member("X-A", `"1"`), member("b", `"2"`)))),
				join("{", "}", member("region", `"r"`), member("type", `"aws_sigv4"`), member("service", `"s3"`), member("access_key_id", `"x"`), member("secret_access_key", `"y"`), member("zzz", "1")),
				join("{", "}", member("segment", `"bot{token}"`), member("type", `"path"`), member("token", `"env://T"`), member("_y", "1")),
				"null",
			}[r.IntN(8)]),
			member("default_headers", join("{", "}", member("X-D", `"1"`), member("X-E", `"2"`))),
			member("valid_audiences", join("[", "]", `"p"`, `"q"`)),
			member("read_timeout", "7"),
			member("leak_guard", `"strict"`),
			member("allow_redirects", "true"),
		} {
			if r.IntN(2) == 0 {
				items = append(items, item)
			}
		}
		r.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		return join("{", "}", items...)
	}
	services := join("{", "}", member("a", service()), member("b", service()), member("c", service()))
	top := []string{member("services", services), member("_z", "1")}
	if r.IntN(2) == 0 {
		top = append(top, member("audit_log", join("{", "}", member("root_dir", `"/y"`))))
	}
	return []byte(extra() + join("{", "}", top...) + extra())
}

package vault

import (
	"testing"

	"lockbox/proxy/secret"
)

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{"version":1,"secrets":{"keychain://acme/token":"sk"}}`,
		`{"version":1,"secrets":{},"bytes":{"keychain://a/b":"AP8="}}`,
		`{"version":2}`, `{"version":1,"secrets":{"x":"y"}}`, `{"version":1}{}`, `[]`, ``,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		values, err := decode(text)
		if err != nil {
			return
		}
		again, err := encode(values)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := decode(again)
		if err != nil || len(twice) != len(values) {
			t.Fatalf("%d secrets, written and read %d, %v", len(values), len(twice), err)
		}
		for ref, v := range values {
			if !twice[ref].Equal(v) || ref.Scheme != secret.Keychain {
				t.Errorf("%s is another", ref)
			}
		}
	})
}

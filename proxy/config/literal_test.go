package config

import "testing"

func TestWithoutLiterals(t *testing.T) {
	c := mustParse(t, read(t, "credentials.jsonc"))
	if !c.hasLiteral() {
		t.Fatal("the sample has no literal")
	}
	fields := 0
	bare := c.WithoutLiterals()
	if bare.hasLiteral() {
		t.Error("a literal is left")
	}
	if !c.hasLiteral() || len(bare.Services) != len(c.Services) || bare.Listen != c.Listen {
		t.Error("the config itself was changed, or not all of it copied")
	}
	for name, svc := range c.Services {
		was := map[string]bool{}
		for field, s := range svc.Credential.Sources() {
			was[field] = s.IsRef()
			fields++
		}
		for field, s := range bare.Services[name].Credential.Sources() {
			if s.IsRef() != was[field] {
				t.Errorf("%s: %s refers elsewhere", name, field)
			}
		}
	}
	if fields < 10 {
		t.Errorf("the sample has %d fields only", fields)
	}
}

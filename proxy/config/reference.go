package config

import (
	"github.com/tailscale/hujson"

	"lockbox/proxy/secret"
)

// References are all references to secrets that a file's text holds, each once
// and in its order, those in keys that this version does not know too.
func References(src []byte) ([]secret.Ref, error) {
	doc, err := parseDocument("", src)
	if err != nil {
		return nil, err
	}
	var refs []secret.Ref
	seen := map[secret.Ref]bool{}
	for v := range doc.root.All() {
		literal, ok := v.Value.(hujson.Literal)
		if !ok || literal.Kind() != '"' || !secret.IsRef(literal.String()) {
			continue
		}
		if ref, err := secret.ParseRef(literal.String()); err == nil && !seen[ref] {
			seen[ref] = true
			refs = append(refs, ref)
		}
	}
	return refs, nil
}

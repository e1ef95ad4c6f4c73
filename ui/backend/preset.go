package backend

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"lockbox/proxy"
	"lockbox/proxy/config"
	"lockbox/proxy/preset"
	"lockbox/proxy/secret"
)

// Preset is an API that is known.
type Preset = preset.Preset

// Blank is a part of its base URL that a person fills in.
type Blank = preset.Blank

// PresetVerdict is what its test has shown.
type PresetVerdict = preset.Verdict

// The states of a PresetVerdict that pages tell apart.
const (
	Works    = preset.Works
	Limited  = preset.Limited
	WrongKey = preset.WrongKey
)

// FindPresets are the presets that what was typed may mean, the best first.
func FindPresets(typed string) []*Preset { return preset.Find(typed) }

// KeyField is a field of a credential that is filled in by itself, while the rest
// of the credential is given.
type KeyField struct {
	preset.Key
	Value SecretField
}

// PresetForm is the form of a new service of a preset.
func (b *Backend) PresetForm(p *Preset) Form {
	f := NewForm()
	f.Preset, f.Name = p.ID, p.ID
	if cfg := b.server.Config(); cfg != nil {
		for n := 2; cfg.Services[f.Name] != nil; n++ {
			f.Name = fmt.Sprintf("%s-%d", p.ID, n)
		}
	}
	f.Template, f.DefaultHeaders = p.Credential(), p.DefaultHeaders()
	f.Credential = string(f.Template.Type)
	for _, k := range p.Keys {
		f.Keys = append(f.Keys, KeyField{Key: k})
	}
	f.Blanks = map[string]string{}
	for _, blank := range p.Blanks {
		f.Blanks[blank.ID] = blank.Default
	}
	f.BaseURL, _ = p.Fill(f.Blanks)
	return f
}

// PresetOf is the preset of a form, nil if it has none.
func (f Form) PresetOf() *Preset { return preset.ByID(f.Preset) }

// keep has the form edit the keys of a credential whose kind it does not know
// otherwise.
func (f *Form) keep(c *config.Credential) {
	f.Template = c
	for field, s := range c.Sources() {
		if s.IsZero() || strings.HasPrefix(field, "extra_params/") {
			continue
		}
		f.Keys = append(f.Keys, KeyField{preset.Key{Field: field, Label: keyLabel(field), Open: !c.IsSecret(field)}, stored(field, s)})
	}
}

// keyLabel is a field of a credential in words.
func keyLabel(field string) string {
	if _, name, ok := strings.Cut(field, "/"); ok {
		return name
	}
	words := strings.ReplaceAll(field, "_", " ")
	words = strings.NewReplacer(" id", " ID").Replace(words)
	return strings.ToUpper(words[:1]) + words[1:]
}

// given reports whether the form's credential is the template's but for its keys.
func (f Form) given() bool {
	return f.Template != nil && string(f.Template.Type) == f.Credential
}

// checkGiven says what is wrong with blanks and keys: "blank/shop", "key/token".
func (f Form) checkGiven(bad Fields) {
	if p := f.PresetOf(); p != nil && len(p.Blanks) > 0 {
		_, wrong := p.Fill(f.Blanks)
		for id, err := range wrong {
			bad["blank/"+id] = "this " + err.Error()
		}
		if len(wrong) > 0 {
			delete(bad, "base_url") // it has no base URL yet
		}
	}
	for _, k := range f.Keys {
		k.Value.check(bad, "key/"+k.Field, true)
		if k.Field == "username" && strings.Contains(k.Value.Value.Reveal(), ":") {
			bad["key/username"] = errColon
		}
	}
}

const errColon = "a colon cannot be in a user name (RFC 7617)"

// credential is the template with the form's keys in it. What nobody typed anew
// stays as it is.
func (f Form) credential(template *config.Credential, source func(field string, s SecretField) secret.Source) *config.Credential {
	return template.With(func(field string, s secret.Source) secret.Source {
		i := slices.IndexFunc(f.Keys, func(k KeyField) bool { return k.Field == field })
		if i < 0 {
			return s
		}
		k := f.Keys[i]
		value := typed(k.Value.Value)
		switch {
		case value.IsZero():
			return s
		case secret.IsRef(value.Reveal()):
		case k.Open:
			return secret.Source{Literal: value}
		case k.Prefix != "" && !strings.HasPrefix(value.Reveal(), k.Prefix):
			k.Value.Value = secret.New(k.Prefix + value.Reveal())
		}
		return source(field, k.Value)
	})
}

// PresetOf is the preset of a service that exists, nil where it is not one that is
// known.
func (b *Backend) PresetOf(name string) *Preset {
	svc, err := b.service(name)
	if err != nil {
		return nil
	}
	return preset.Match(svc)
}

// known are the presets that the services of a config look like, by their names.
// Views are made all the time, and a config may have thousands of services.
type known struct {
	config *config.Config
	of     map[string]*Preset
}

// presets are the known ones of a config. b.mu must be held.
func (b *Backend) presets(cfg *config.Config) map[string]*Preset {
	if b.known.config != cfg {
		b.known = known{cfg, map[string]*Preset{}}
		for name, svc := range cfg.Services {
			if p := preset.Of(svc); p != nil {
				b.known.of[name] = p
			}
		}
	}
	return b.known.of
}

// TestPreset makes a preset's harmless call with a form, and says in words what
// came of it. Its error is that the form cannot be tested.
func (b *Backend) TestPreset(ctx context.Context, old string, f Form, p *Preset) (PresetVerdict, error) {
	res, err := b.Test(ctx, old, f, proxy.Trial(p.Test))
	var bad Fields
	switch {
	case errors.As(err, &bad):
		return PresetVerdict{}, err
	case err != nil:
		return p.Explain(err, Sentence(err.Error())), nil
	}
	return p.Read(res.Status, res.Body), nil
}

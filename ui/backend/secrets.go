package backend

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
	"lockbox/vault"
)

// SecretInfo is a secret of the vault, or one that the config wants there.
type SecretInfo struct {
	Ref     string   `json:"ref"`
	UsedBy  []string `json:"used_by"` // "acme: token", "Lockbox: signing_key"; empty: nobody
	Missing bool     `json:"missing"` // the config refers to it, and the vault has none
}

// Secrets lists the vault's secrets, by reference; it reads none of them where the
// platform can list them. Elsewhere only those that something uses are known.
func Secrets(ctx context.Context, o Options) ([]SecretInfo, error) {
	used, err := usedRefs(o)
	if err != nil {
		return nil, err
	}
	s, err := o.openVault(ctx, false)
	if err != nil {
		return nil, err
	}
	there := map[secret.Ref]bool{}
	refs, err := s.List(ctx)
	for _, ref := range refs {
		there[ref] = true
	}
	if errors.Is(err, errors.ErrUnsupported) {
		err = nil
		for ref := range withOwn(used) {
			_, missing := s.Get(ctx, ref.Service, ref.Field)
			there[ref] = missing == nil
			if missing != nil && !errors.Is(missing, secret.ErrNotFound) {
				return nil, missing
			}
		}
	}
	if err != nil && s.Status(ctx).State != vault.Missing { // nothing is in what is not there
		return nil, err
	}
	infos := []SecretInfo{}
	for ref := range there {
		if there[ref] {
			infos = append(infos, SecretInfo{Ref: ref.String(), UsedBy: users(used, ref)})
		}
	}
	for ref := range used {
		if !there[ref] {
			infos = append(infos, SecretInfo{Ref: ref.String(), UsedBy: users(used, ref), Missing: true})
		}
	}
	slices.SortFunc(infos, func(a, b SecretInfo) int { return strings.Compare(a.Ref, b.Ref) })
	return infos, nil
}

// SetSecret stores a secret in the vault, whose name it returns.
func SetSecret(ctx context.Context, o Options, ref secret.Ref, value secret.Value) (place string, err error) {
	s, err := OpenVault(ctx, o)
	if err != nil {
		return "", err
	}
	return s.Name(), s.Set(ctx, ref.Service, ref.Field, value)
}

// RemoveSecret takes a secret out of the vault, unless it is used and force is not
// given, or is not there.
func RemoveSecret(ctx context.Context, o Options, ref secret.Ref, force bool) (place string, err error) {
	if !force {
		used, err := usedRefs(o)
		if err != nil {
			return "", err
		}
		if who := users(used, ref); len(who) > 0 {
			return "", fmt.Errorf("%s is in use (%s): change that first, or remove it all the same with --force", ref, strings.Join(who, ", "))
		}
	}
	s, err := o.openVault(ctx, false)
	if err != nil {
		return "", err
	}
	if !force {
		if _, err := s.Get(ctx, ref.Service, ref.Field); err != nil {
			return "", err
		}
	}
	return s.Name(), s.Delete(ctx, ref.Service, ref.Field)
}

// usedRefs are the references of the config with the fields that have them.
// Without a config there are none.
func usedRefs(o Options) (map[secret.Ref][]string, error) {
	used := map[secret.Ref][]string{}
	cfg, err := config.Load(o.ConfigPath)
	switch {
	case errors.Is(err, os.ErrNotExist) && !o.ConfigPathExplicit:
		return used, nil
	case err != nil:
		return nil, fmt.Errorf("the config, which says what is used, cannot be read: mend it first: %w", err)
	}
	if ref := cfg.Tunnel.Authtoken.Ref; ref.Scheme == secret.Keychain && ref != config.TunnelAuthtoken {
		used[ref] = append(used[ref], "Lockbox: tunnel")
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Services)) {
		for field, s := range cfg.Services[name].Credential.Sources() {
			if s.Ref.Scheme == secret.Keychain {
				used[s.Ref] = append(used[s.Ref], name+": "+field)
			}
		}
	}
	return used, nil
}

// withOwn adds what Lockbox itself may have in the vault.
func withOwn(used map[secret.Ref][]string) map[secret.Ref][]string {
	all := maps.Clone(used)
	all[signingKeyRef], all[config.TunnelAuthtoken] = nil, nil
	return all
}

func users(used map[secret.Ref][]string, ref secret.Ref) []string {
	who := append([]string{}, used[ref]...)
	if ref.Service == signingKeyRef.Service && len(who) == 0 {
		who = append(who, "Lockbox: "+ref.Field)
	}
	if ref == config.TunnelAuthtoken && len(who) == 0 {
		who = append(who, "Lockbox: tunnel")
	}
	return who
}

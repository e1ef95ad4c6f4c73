package config

import (
	"slices"

	"lockbox/proxy/secret"
)

// With is c with what place gives for each of its Sources.
func (c *Credential) With(place func(field string, s secret.Source) secret.Source) *Credential {
	out := *c
	switch c.Type {
	case Basic:
		out.Username, out.Password = place("username", c.Username), place("password", c.Password)
	case Bearer, Path:
		out.Token = place("token", c.Token)
	case Headers:
		out.Headers = slices.Clone(c.Headers)
		for i, h := range c.Headers {
			out.Headers[i].Value = place("headers/"+h.Name, h.Value)
		}
	case Query:
		out.Params = placeParams(place, "params/", c.Params)
	case ClientCredentials, RefreshToken:
		o := &out.OAuth
		o.ClientID, o.ClientSecret = place("client_id", o.ClientID), place("client_secret", o.ClientSecret)
		if c.Type == RefreshToken {
			o.RefreshToken = place("refresh_token", o.RefreshToken)
		}
		o.ExtraParams = placeParams(place, "extra_params/", o.ExtraParams)
	case SigV4:
		a := &out.AWS
		a.AccessKeyID, a.SecretAccessKey = place("access_key_id", a.AccessKeyID), place("secret_access_key", a.SecretAccessKey)
		a.SessionToken = place("session_token", a.SessionToken)
	}
	return &out
}

func placeParams(place func(string, secret.Source) secret.Source, prefix string, params []Param) []Param {
	params = slices.Clone(params)
	for i, p := range params {
		params[i].Value = place(prefix+p.Name, p.Value)
	}
	return params
}

// ServiceNames names the services of a file in its order.
func ServiceNames(src []byte) ([]string, error) {
	e, err := edit(src)
	if err != nil {
		return nil, err
	}
	services, err := e.services()
	if err != nil {
		return nil, err
	}
	return services.names(), nil
}

// TopKeys are the keys of a file's outermost object, in its order.
func TopKeys(src []byte) ([]string, error) {
	e, err := edit(src)
	if err != nil {
		return nil, err
	}
	return e.top.names(), nil
}

// names are the members' names.
func (l *list) names() []string {
	names := make([]string, len(l.items))
	for i := range l.items {
		names[i] = text(l.items[i].name.Value)
	}
	return names
}

// PutCredentials gives services that are there the credentials of that name, and
// leaves all else as it is.
func PutCredentials(src []byte, credentials map[string]*Credential) ([]byte, error) {
	e, err := edit(src)
	if err != nil {
		return nil, err
	}
	services, err := e.services()
	if err != nil {
		return nil, err
	}
	left := len(credentials)
	for i := range services.items {
		it := &services.items[i]
		name := text(it.name.Value)
		c, ok := credentials[name]
		if !ok {
			continue
		}
		if err := CheckCredential(c); err != nil {
			return nil, err
		}
		o, err := e.objectAt(&it.value, name, "")
		if err != nil {
			return nil, err
		}
		members := services.members(it, o)
		if err := e.putCredential(members, &Service{Name: name, Credential: c}); err != nil {
			return nil, err
		}
		members.store()
		left--
	}
	if left > 0 {
		for name := range credentials {
			if services.find(name) < 0 {
				return nil, noService(name)
			}
		}
	}
	services.store()
	return e.bytes()
}

// CopyServices copies services of another file, as they are written there with
// the comments right above them, to the end of dst, or into the place of those of
// the same name.
func CopyServices(dst, from []byte, names []string) ([]byte, error) {
	return copyServices(dst, from, names, func(ours, _ *list, _ int) int { return len(ours.items) })
}

// RestoreService copies a service that dst had before, when it was from, to where it
// stood: behind the nearest of its former neighbours that is still there.
func RestoreService(dst, from []byte, name string) ([]byte, error) {
	return copyServices(dst, from, []string{name}, func(ours, theirs *list, i int) int {
		at := ours.byName()
		for i--; i >= 0; i-- {
			if k, there := at[text(theirs.items[i].name.Value)]; there {
				return k + 1
			}
		}
		return 0
	})
}

// copyServices has place say where a service of theirs comes that ours has not.
func copyServices(dst, from []byte, names []string, place func(ours, theirs *list, i int) int) ([]byte, error) {
	to, err := edit(dst)
	if err != nil {
		return nil, err
	}
	services, err := to.services()
	if err != nil {
		return nil, err
	}
	source, err := edit(from)
	if err != nil {
		return nil, err
	}
	theirs, err := source.services()
	if err != nil {
		return nil, err
	}
	at, ours := theirs.byName(), services.byName()
	for _, name := range names {
		i, ok := at[name]
		if !ok {
			return nil, noService(name)
		}
		it := theirs.items[i]
		_, it.lead = cutAttached(it.lead)
		if !hasComment(it.value.AfterExtra) {
			it.value.AfterExtra = nil
		}
		if k, there := ours[name]; there {
			services.items[k].value, services.items[k].trail = it.value, it.trail
			continue
		}
		services.insert(place(services, theirs, i), it)
	}
	services.store()
	return to.bytes()
}

// byName says where each member is.
func (l *list) byName() map[string]int {
	at := make(map[string]int, len(l.items))
	for i := range l.items {
		at[text(l.items[i].name.Value)] = i
	}
	return at
}

// KeepMember gives dst's top-level member of that name the value that it has in
// from, or removes it where from has none.
func KeepMember(dst, from []byte, name string) ([]byte, error) {
	to, err := edit(dst)
	if err != nil {
		return nil, err
	}
	source, err := edit(from)
	if err != nil {
		return nil, err
	}
	i, k := source.top.find(name), to.top.find(name)
	switch {
	case i >= 0:
		to.top.set(name, topKeys).Value = source.top.items[i].value.Value
	case k >= 0:
		to.top.take(k)
	}
	return to.bytes()
}

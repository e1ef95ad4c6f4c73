package backend

import (
	"strings"
	"sync"

	"lockbox/proxy/config"
)

// starterServices are those of the starter config.
var starterServices = sync.OnceValue(func() map[string]string {
	bases := map[string]string{}
	if cfg, err := config.Parse("starter.json", starter); err == nil { // a test loads it
		for name, svc := range cfg.Services {
			bases[name] = svc.BaseURL.String()
		}
	}
	return bases
})

// HasOwn reports whether there is a service that the person added: neither one of
// the starter config's nor an echo.
func (v View) HasOwn() bool {
	for _, s := range v.Services {
		inStarter := s.Credential == string(NoCredential) && starterServices()[s.Name] == s.BaseURL
		if !inStarter && !strings.HasPrefix(s.BaseURL, "lockbox:") {
			return true
		}
	}
	return false
}

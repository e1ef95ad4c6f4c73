package config

import (
	"slices"
	"strings"

	"github.com/tailscale/hujson"
)

// The keys of each object, in the order in which new ones are written.
var (
	topKeys     = []string{"services", "audit_log", "listen", "public_listen", "use_proxy_env", "vault", "tunnel", "brake", "ask", "drift"}
	serviceKeys = []string{
		"base_url", "credential", "requires_service_token", "valid_audiences",
		"connect_timeout", "read_timeout", "allow_redirects", "default_headers", "tunnel", "allow_from", "token_in_query", "token_in_path",
		"allow_link_local", "leak_guard", "drift", "rules", "rate_limit", "concurrency", "quota", "each_token", "token_limits", "duplicates",
	}
	credentialKeys = []string{
		"type", "username", "password", "segment", "token", "headers", "params",
		"token_url", "client_id", "client_secret", "refresh_token", "scopes", "audience", "extra_params", "auth_style",
		"access_key_id", "secret_access_key", "session_token", "region", "service",
	}
	auditLogKeys  = []string{"type", "root_dir", "required", "keep_days", "keep_mb", "body_kb"}
	vaultKeys     = []string{"type", "path"}
	tunnelKeys    = []string{"authtoken", "domain", "start", "close_after", "keep_awake", "rate_limit"}
	edgeLimitKeys = []string{"requests", "per"}
	brakeKeys     = []string{"failures", "per", "lockout"}

	ruleKeys = []string{"action", "methods", "path", "query", "content_type", "max_body", "body", "for", "note"}
	// conditionKeys are those of a condition on a field of a JSON body.
	conditionKeys = []string{"exists", "equals", "one_of", "glob", "min", "max"}

	limitKeys      = []string{"rate_limit", "concurrency", "quota"}
	rateKeys       = []string{"requests", "per", "burst"}
	quotaKeys      = []string{"calls_per_day", "calls_per_month", "writes_per_day", "writes_per_month"}
	duplicatesKeys = []string{"window"}
	askKeys        = []string{"wait", "remember"}
)

// unknown warns of the keys of o that are not known, but for those that begin
// with an underscore. A key of a credential is repeated only where it
// resembles a known one: it could be the key that it should hold.
func (d *decoder) unknown(o *object, prefix string, known []string) {
	for i, name := range o.names {
		if slices.Contains(known, name) || strings.HasPrefix(name, "_") {
			continue
		}
		at := &o.members[i].Name
		d.warnUnknown(at, name, prefix, known)
	}
}

func (d *decoder) warnUnknown(at *hujson.Value, name, prefix string, known []string) {
	near := suggest(name, known)
	switch {
	case d.service != "" && prefix == "" && slices.Contains(credentialKeys, name):
		d.warn(at, name, `is not used here: it belongs into "credential"`)
	case d.service != "" && prefix == "" && slices.Contains(topKeys, name):
		d.warn(at, name, "is not used here: it belongs outside the services")
	case d.service == "" && prefix == "" && slices.Contains(serviceKeys, name):
		d.warn(at, name, "is not used here: it belongs into a service")
	case near != "":
		d.warn(at, prefix+name, "is not known and not used: is %q meant?", near)
	case prefix == "credential/":
		d.warn(at, "credential", "has a key that is not known and not used; known are %s", strings.Join(known, ", "))
	case len(name) > 40 || !readable(name) || strings.ContainsFunc(name, invisible):
		d.warn(at, strings.TrimSuffix(prefix, "/"), "has a key that is not known and not used; known are %s", strings.Join(known, ", "))
	default:
		d.warn(at, prefix+name, "is not known and not used; known are %s", strings.Join(known, ", "))
	}
}

// suggest is the known key that name may be a slip of the pen for, or "".
func suggest(name string, known []string) string {
	if len(name) > 40 {
		return ""
	}
	plain := strings.NewReplacer("-", "", "_", "", " ", "").Replace
	name = plain(strings.ToLower(name))
	best, least := "", 0
	for _, k := range known {
		distance := editDistance(name, plain(k))
		limit := max(1, len(k)/4)
		// "url" for base_url, "audiences" for valid_audiences.
		if slices.Contains(strings.Split(k, "_"), name) && len(name) > 2 {
			distance = min(distance, limit)
		}
		if distance <= limit && (best == "" || distance < least) {
			best, least = k, distance
		}
	}
	return best
}

// editDistance counts the letters to put in, take out, replace or swap with
// their neighbour (optimal string alignment) to make b of a.
func editDistance(a, b string) int {
	s, t := []rune(a), []rune(b)
	d := make([][]int, len(s)+1)
	for i := range d {
		d[i] = make([]int, len(t)+1)
		d[i][0] = i
	}
	for j := range t {
		d[0][j+1] = j + 1
	}
	for i := 1; i <= len(s); i++ {
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(s)][len(t)]
}

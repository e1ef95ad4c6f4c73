package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// demoURL is the built-in echo service.
const demoURL = "lockbox://demo"

const maxURLLength = 2000

// schemeLike is what Python's urlparse takes for a scheme.
var schemeLike = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)

// ParseBaseURL normalises a base_url as the Python original does: trailing
// slashes go; without a scheme it is https, a bare host:port too. Unlike the
// original it refuses a user, a query and a fragment. The errors do not repeat
// s, which may hold a password. The warning is for http.
func ParseBaseURL(s string) (u *url.URL, warning string, err error) {
	s = strings.TrimRight(strings.TrimSpace(s), "/")
	switch {
	case s == "":
		return nil, "", errors.New("is empty: write it as https://api.example.com")
	case len(s) > maxURLLength:
		return nil, "", fmt.Errorf("is longer than %d bytes", maxURLLength)
	case s == demoURL:
		return &url.URL{Scheme: "lockbox", Host: "demo"}, "", nil
	case strings.ContainsAny(s, "?#"):
		return nil, "", errors.New("cannot have a query or a fragment (? or #): the caller's path is put after it")
	case !readable(s) || strings.ContainsFunc(s, invisible) || strings.ContainsAny(s, `\ `):
		return nil, "", errors.New(`cannot have spaces, control characters or \`)
	}
	if !strings.Contains(s, "://") {
		if scheme := schemeLike.FindString(s); strings.EqualFold(scheme, "http:") || strings.EqualFold(scheme, "https:") {
			return nil, "", errors.New("has no host: write it as https://api.example.com")
		}
		s = "https://" + s
	}
	u, perr := url.Parse(s)
	if u == nil || perr != nil {
		return nil, "", errors.New("is not a URL such as https://api.example.com/v1")
	}
	if err := checkBaseURL(u); err != nil {
		return nil, "", err
	}
	return u, oddURL(u), nil
}

// oddURL warns of what can be meant and mostly is not.
func oddURL(u *url.URL) string {
	if u.Scheme == "http" {
		return "unencrypted http:// lets everyone on the way read the key and the calls: use https:// unless the service is on this machine"
	}
	return ""
}

// checkBaseURL takes a URL that was parsed, or is about to be written.
func checkBaseURL(u *url.URL) error {
	switch {
	case u == nil:
		return errors.New("is empty: write it as https://api.example.com")
	case u.Scheme == "lockbox" && u.String() == demoURL:
		return nil
	case u.Scheme == "lockbox":
		return errors.New("knows one lockbox:// address only, " + demoURL)
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("must begin with https:// or http://")
	case u.User != nil:
		return errors.New("cannot hold a user name or password: put them into a credential of type basic")
	case u.Opaque != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("cannot have a query or a fragment (? or #)")
	}
	if err := checkHost(u); err != nil {
		return err
	}
	return checkBasePath(u)
}

func checkHost(u *url.URL) error {
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return errors.New("has a port that is not from 1 to 65535")
		}
	}
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); (err != nil && !hostname(host)) || strings.HasSuffix(u.Host, ":") {
		return errors.New("has no valid host: write it as https://api.example.com")
	}
	return nil
}

// checkBasePath refuses paths that other programs read differently.
func checkBasePath(u *url.URL) error {
	path := u.EscapedPath()
	if strings.HasSuffix(path, "/") || (path != "" && path[0] != '/') {
		return errors.New("cannot end in a slash")
	}
	for segment := range strings.SplitSeq(path, "/") {
		if climbs(segment) {
			return errors.New(`cannot have . or .. or \ in its path, encoded ones neither`)
		}
	}
	return nil
}

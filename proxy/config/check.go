package config

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"
)

// Limits of names in the file, in bytes, and of timeouts.
const (
	MaxNameLength     = 100
	MaxAudienceLength = 256
	MinTimeout        = time.Millisecond
	MaxTimeout        = 100 * 24 * time.Hour
)

// CheckName says what is wrong with the name of a service. The name is one
// segment of the path that callers use, and a folder of the audit log.
func CheckName(s string) error {
	switch {
	case s == "":
		return errors.New("is empty: a service needs a name")
	case len(s) > MaxNameLength:
		return fmt.Errorf("is longer than %d bytes", MaxNameLength)
	case !readable(s):
		return errors.New("has characters that are not valid text")
	case strings.ContainsFunc(s, invisible):
		return errors.New("has control or text-direction characters")
	}
	if strings.Contains(s, "/") || climbs(s) {
		return errors.New(`cannot be used in a path: no /, \, . or .., however encoded`)
	}
	return nil
}

// climbs reports whether a segment of a path leads elsewhere for some reader of
// it: the proxy refuses such ones however often they are encoded.
func climbs(segment string) bool {
	for {
		for part := range strings.SplitSeq(segment, "/") {
			dots, _, _ := strings.Cut(part, ";")
			if dots == "." || dots == ".." {
				return true
			}
		}
		if strings.Contains(segment, `\`) || strings.ContainsFunc(segment, invisible) {
			return true
		}
		decoded, err := url.PathUnescape(segment)
		if err != nil || decoded == segment {
			return false
		}
		segment = decoded
	}
}

// readable refuses invalid UTF-8, and the mark that decoders put in its place.
func readable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsRune(s, utf8.RuneError)
}

func invisible(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}

// CheckAudience says what is wrong with an audience of service tokens.
func CheckAudience(s string) error {
	switch {
	case s == "":
		return errors.New("is empty: name who the token is for, such as zapier")
	case len(s) > MaxAudienceLength:
		return fmt.Errorf("is longer than %d bytes", MaxAudienceLength)
	case !readable(s) || strings.ContainsFunc(s, invisible):
		return errors.New("has control characters")
	}
	return nil
}

// CheckHeaderName says what is wrong with the name of a header that a
// credential is to set. The name is not repeated: people paste the whole
// header, secret and all.
func CheckHeaderName(s string) error {
	switch {
	case s == "":
		return errors.New("a header needs a name, such as X-Api-Key")
	case strings.Contains(s, ":"):
		return errors.New("a header's name stands without the colon and the value")
	case !httpguts.ValidHeaderFieldName(s):
		return errors.New("a header's name has letters, digits and dashes only, such as X-Api-Key")
	case len(s) > MaxNameLength:
		return fmt.Errorf("a header's name has at most %d bytes", MaxNameLength)
	}
	switch name := textproto.CanonicalMIMEHeaderKey(s); name {
	case "Connection", "Content-Length", "Expect", "Host", "Keep-Alive", "Proxy-Connection",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return fmt.Errorf("the header %s belongs to the connection and cannot be set by a credential", name)
	}
	return nil
}

// checkHeaderValue says what is wrong with a secret that goes into a header.
func checkHeaderValue(s string) error {
	if !httpguts.ValidHeaderFieldValue(s) {
		return errors.New("has a line break or another control character, which no header can carry")
	}
	return nil
}

// ParseTimeout reads seconds, such as "5" or "0.5"; "" is 0: no timeout.
func ParseTimeout(s string) (time.Duration, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0, nil
	}
	seconds, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(seconds) {
		return 0, errors.New("is not a number of seconds, such as 5 or 0.5")
	}
	if seconds > MaxTimeout.Seconds() {
		return 0, fmt.Errorf("is over %.0f seconds: leave it empty (null in the file) for no timeout", MaxTimeout.Seconds())
	}
	d := time.Duration(math.Round(seconds * float64(time.Second)))
	return d, checkTimeout(d)
}

// checkTimeout takes a duration that is meant as a timeout.
func checkTimeout(d time.Duration) error {
	if d <= 0 {
		return errors.New("must be more than 0: leave it empty (null in the file) for no timeout")
	}
	if d < MinTimeout || d > MaxTimeout {
		return fmt.Errorf("must be between %g and %.0f seconds", MinTimeout.Seconds(), MaxTimeout.Seconds())
	}
	return nil
}

// CheckListen says what is wrong with the local listener's address.
func CheckListen(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return errors.New("is not an address and a port, such as " + DefaultListen)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return errors.New("needs a port from 0 to 65535, such as " + DefaultListen)
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" && !hostname(host) {
		return errors.New("has a host that is neither an address nor a name, such as " + DefaultListen)
	}
	return nil
}

// isLoopback takes a host and a port.
func isLoopback(listen string) bool {
	host, _, _ := net.SplitHostPort(listen)
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}

// hostname reports whether s can be a host's name. Letters of all scripts
// pass: net/http writes them as punycode.
func hostname(s string) bool {
	for label := range strings.SplitSeq(strings.TrimSuffix(s, "."), ".") {
		if label == "" || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
		for _, r := range label {
			if r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
				return false
			}
		}
	}
	return len(s) <= 253
}

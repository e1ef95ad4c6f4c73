package config

import (
	"errors"
	"fmt"
	"strings"
)

// tokenBlank is where the token comes in the segment of a Path credential.
const tokenBlank = "{token}"

// segment reads the segment of a path credential.
func (d *decoder) segment(o *object) string {
	const field = "credential/segment"
	v := o.value("segment")
	if v == nil {
		d.missing(o, "credential/", "segment")
		return ""
	}
	s, ok := d.text(v, field)
	if !ok {
		return ""
	}
	if err := checkSegment(s); err != nil {
		d.fail(v, field, "%v", err)
	}
	return s
}

// checkSegment says what is wrong with the segment of a path credential. It is
// not repeated: people paste the whole address, token and all.
func checkSegment(s string) error {
	before, after, found := strings.Cut(s, tokenBlank)
	switch {
	case !found || strings.Contains(after, tokenBlank):
		return fmt.Errorf("must have %s once, where the token comes, such as bot%s", tokenBlank, tokenBlank)
	case len(s) > MaxNameLength:
		return fmt.Errorf("is longer than %d bytes", MaxNameLength)
	case strings.ContainsFunc(before+after, func(r rune) bool { return !pchar(r) }):
		return errors.New("is one segment of a path: letters, digits and -._~!$&'()*+,=:@ beside the token")
	}
	return nil
}

// pchar reports whether a segment can hold r as it is (RFC 3986, section 3.3).
// A semicolon is left out: some servers drop what comes after it.
func pchar(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._~!$&'()*+,=:@", r)
}

// SplitSegment is what comes before and after the token in the segment of a Path
// credential.
func (c *Credential) SplitSegment() (before, after string) {
	before, after, _ = strings.Cut(c.Segment, tokenBlank)
	return before, after
}

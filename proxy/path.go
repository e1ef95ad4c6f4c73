package proxy

import (
	"strings"
)

// maxEncoding is how often a path may be percent-encoded over and over. Nobody
// means more than two; without a bound, %25252525… would cost a pass each.
const maxEncoding = 8

// safePath reports whether a path, as it came and after any number of rounds of
// decoding that a server or the things before it could make, stays below where
// it begins. It works on bytes: what is no valid encoding is left as it is,
// since refusing to look would be the hole.
func safePath(path string) bool {
	for range maxEncoding {
		if !safeOnce(path) {
			return false
		}
		decoded := decodeOnce(path)
		if decoded == path {
			return true
		}
		path = decoded
	}
	return false
}

// safeOnce checks one stage of decoding.
func safeOnce(path string) bool {
	if strings.ContainsAny(path, "\\\x00") || overlong(path) {
		return false
	}
	for segment := range strings.SplitSeq(path, "/") {
		// Java servers read "..;x" as "..": a segment's parameters do not count.
		// A decoded ? or # ends the path for whoever parses the result again.
		if i := strings.IndexAny(segment, ";?#"); i >= 0 {
			segment = segment[:i]
		}
		// Windows drops space at the end of a name.
		if strings.TrimRight(segment, " \t\r\n\v\f") == ".." {
			return false
		}
	}
	return true
}

// decodeOnce undoes one round of percent-encoding, and of the %uXXXX that old
// servers of Microsoft's take.
func decodeOnce(s string) string {
	i := strings.IndexByte(s, '%')
	if i < 0 {
		return s
	}
	b := make([]byte, i, len(s))
	copy(b, s[:i])
	for ; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		if c, ok := unhex(s, i+1); ok {
			b = append(b, c)
			i += 2
			continue
		}
		if i+1 < len(s) && (s[i+1] == 'u' || s[i+1] == 'U') {
			high, ok1 := unhex(s, i+2)
			low, ok2 := unhex(s, i+4)
			if ok1 && ok2 && high == 0 {
				b = append(b, low)
				i += 5
				continue
			}
		}
		b = append(b, '%')
	}
	return string(b)
}

// unhex reads two hex digits at i.
func unhex(s string, i int) (byte, bool) {
	if i+2 > len(s) {
		return 0, false
	}
	var v byte
	for _, c := range []byte(s[i : i+2]) {
		switch {
		case '0' <= c && c <= '9':
			v = v<<4 | (c - '0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			v = v<<4 | (c | 0x20 - 'a' + 10)
		default:
			return 0, false
		}
	}
	return v, true
}

// overlong reports whether s holds an overlong UTF-8 form, by which old servers
// read C0 AE as a dot and C0 AF as a slash (RFC 3629, section 10).
func overlong(s string) bool {
	for i := 0; i+1 < len(s); i++ {
		next := s[i+1]
		switch s[i] {
		case 0xc0, 0xc1:
			if next&0xc0 == 0x80 {
				return true
			}
		case 0xe0:
			if 0x80 <= next && next < 0xa0 {
				return true
			}
		case 0xf0:
			if 0x80 <= next && next < 0x90 {
				return true
			}
		}
	}
	return false
}

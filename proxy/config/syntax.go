package config

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/tailscale/hujson"
)

// Limits of a file: 10,000 services take some 3 MB, and nothing in the schema
// nests deeper than five. hujson recurses, so depth is bounded before it runs.
const (
	maxFileSize = 32 << 20
	maxDepth    = 64
)

var (
	utf8BOM  = []byte("\xef\xbb\xbf")
	utf16BOM = [][]byte{[]byte("\xff\xfe"), []byte("\xfe\xff")}
)

// document is a file that is well-formed, whatever it says.
type document struct {
	bom  []byte // what an editor on Windows may put first
	src  []byte // the rest, ended by the line break that hujson wants after a comment
	root hujson.Value
}

// parseDocument reads the syntax. The errors are Problems without values: what
// stands at the wrong place may be half of a key.
func parseDocument(file string, src []byte) (*document, error) {
	fail := func(src []byte, offset int, format string, args ...any) (*document, error) {
		f := finding{offset: offset, Problem: Problem{Message: fmt.Sprintf(format, args...)}}
		return nil, Problems(locate(file, src, []finding{f}))
	}
	d := &document{}
	for _, bom := range utf16BOM {
		if bytes.HasPrefix(src, bom) {
			return fail(nil, 0, "is UTF-16 text: save it as UTF-8")
		}
	}
	if bytes.HasPrefix(src, utf8BOM) {
		d.bom, src = src[:len(utf8BOM)], src[len(utf8BOM):]
	}
	if len(src) > maxFileSize {
		return fail(nil, 0, "is larger than %d MB", maxFileSize>>20)
	}
	if !utf8.Valid(src) {
		return fail(src, firstInvalid(src), "not UTF-8 text: save the file as UTF-8")
	}
	if len(bytes.TrimSpace(src)) == 0 {
		return fail(src, 0, `is empty: the least is {"services": {}}`)
	}
	d.src = append(bytes.Clone(src), '\n')
	if offset, message := scan(d.src); message != "" {
		return fail(src, offset, "%s", message)
	}
	root, err := hujson.Parse(d.src)
	if err != nil {
		offset, message := explain(d.src, err)
		return fail(src, offset, "%s", message)
	}
	d.root = root
	return d, nil
}

func firstInvalid(src []byte) int {
	for at := 0; at < len(src); {
		r, size := utf8.DecodeRune(src[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return len(src)
}

// scan finds what hujson would place at the end of the file, far from where it
// went wrong: brackets, strings and comments that are never closed. It also
// bounds the depth.
func scan(src []byte) (offset int, message string) {
	var open []int
	for i := 0; i < len(src); i++ {
		switch c := src[i]; c {
		case '"':
			end := stringEnd(src, i)
			if end < 0 {
				return i, "a text that begins here has no closing double quote on its line"
			}
			i = end
		case '/':
			end := commentEnd(src, i)
			if end < 0 {
				return i, "a comment that begins here is never closed with */"
			}
			i = end
		case '{', '[':
			if open = append(open, i); len(open) > maxDepth {
				return i, fmt.Sprintf("is nested more than %d deep", maxDepth)
			}
		case '}', ']':
			if len(open) == 0 || src[open[len(open)-1]] != c-2 { // in ASCII both pairs are two apart
				return i, fmt.Sprintf("a closing %c too many, or of the wrong kind", c)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		offset = open[len(open)-1]
		return offset, fmt.Sprintf("the %c here is never closed", src[offset])
	}
	return 0, ""
}

// stringEnd is the offset of the quote that closes the one at i, or -1: JSON
// has no strings of several lines.
func stringEnd(src []byte, i int) int {
	for i++; i < len(src) && src[i] != '\n'; i++ {
		switch src[i] {
		case '"':
			return i
		case '\\':
			i++
		}
	}
	return -1
}

// commentEnd is the last offset of the comment at i, or i where none begins.
func commentEnd(src []byte, i int) int {
	switch {
	case bytes.HasPrefix(src[i:], []byte("//")):
		return i + bytes.IndexByte(src[i:], '\n') // parseDocument put one at the end
	case bytes.HasPrefix(src[i:], []byte("/*")):
		n := bytes.Index(src[i+2:], []byte("*/"))
		if n < 0 {
			return -1
		}
		return i + 2 + n + 1
	}
	return i
}

// bareName is a name as JavaScript and JSON5 take it.
var bareName = regexp.MustCompile(`^'?[\w$-]{1,40}'?\s*:`)

// explain puts hujson's error into words of ours. Its own repeat the text that
// it stumbled over.
func explain(src []byte, err error) (offset int, message string) {
	var line, column int
	if _, serr := fmt.Sscanf(err.Error(), "hujson: line %d, column %d:", &line, &column); serr == nil {
		for range line - 1 {
			offset += bytes.IndexByte(src[offset:], '\n') + 1
		}
		offset += column - 1
	}
	if inner := errors.Unwrap(err); inner != nil {
		message = inner.Error()
	}
	quoted := offset < len(src) && src[offset] == '"'
	for _, e := range []struct{ part, words string }{
		{"expecting ',' or '}'", "a comma or a closing } is missing before this"},
		{"expecting ',' or ']'", "a comma or a closing ] is missing before this"},
		{"after object name", "a colon is missing before this"},
		{"at start of object name", `a name must stand in double quotes, such as "services"`},
		{"at start of value", "a value must stand here: text in double quotes, a number, true, false, null, { or ["},
		{"after top-level value", "there is more after the end of the configuration"},
		{"in line comment", "a comment holds a line separator (U+2028 or U+2029)"},
		{"invalid literal", "text must stand in double quotes; without them only numbers, true, false and null"},
	} {
		if strings.Contains(message, e.part) {
			switch {
			case bareName.Match(src[offset:]):
				return offset, `a name must stand in double quotes, such as "services"`
			case e.part == "invalid literal" && quoted:
				return offset, `this text has a control character or a bad escape: a backslash is written \\`
			}
			return offset, e.words
		}
	}
	return offset, "is not valid JSON here"
}

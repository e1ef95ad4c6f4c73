package config

import (
	"bytes"

	"github.com/tailscale/hujson"
)

// What stands between the values of a file, white space and comments, is one
// hujson.Extra each. The functions here find the lines in it.

// lineBreaks are the offsets of the line breaks in e, those at the end of line
// comments included and those in block comments not.
func lineBreaks(e hujson.Extra) []int {
	var breaks []int
	for i := 0; i < len(e); i++ {
		switch {
		case e[i] == '\n':
			at := i
			if at > 0 && e[at-1] == '\r' {
				at--
			}
			breaks = append(breaks, at)
		case bytes.HasPrefix(e[i:], []byte("/*")):
			i += 3 + bytes.Index(e[i+2:], []byte("*/"))
		case bytes.HasPrefix(e[i:], []byte("//")):
			n := bytes.IndexByte(e[i:], '\n')
			if n < 0 {
				return breaks
			}
			i += n - 1
		}
	}
	return breaks
}

func hasBreak(e hujson.Extra) bool { return len(lineBreaks(e)) > 0 }

// hasComment takes valid Extra, in which only comments have a slash.
func hasComment(e hujson.Extra) bool { return bytes.IndexByte(e, '/') >= 0 }

// indentOf is the white space that begins the last line of e; e may begin in
// the middle of its first line, whose indentation is not known.
func indentOf(e hujson.Extra) hujson.Extra {
	breaks := lineBreaks(e)
	if len(breaks) == 0 {
		return nil
	}
	e = bytes.TrimLeft(e[breaks[len(breaks)-1]:], "\r\n")
	return e[:len(e)-len(bytes.TrimLeft(e, " \t"))]
}

// cutLine parts e where its first line ends: what is left belongs to what
// stands before e on that line.
func cutLine(e hujson.Extra) (same, rest hujson.Extra, ok bool) {
	breaks := lineBreaks(e)
	if len(breaks) == 0 {
		return nil, e, false
	}
	return e[:breaks[0]], e[breaks[0]:], true
}

// cutLast parts e before its last line.
func cutLast(e hujson.Extra) (above, last hujson.Extra) {
	breaks := lineBreaks(e)
	if len(breaks) == 0 {
		return nil, e
	}
	at := breaks[len(breaks)-1]
	return e[:at], e[at:]
}

// cutAttached parts e, which stands before an item, above the comment lines
// that follow each other down to the item: those are about it.
func cutAttached(e hujson.Extra) (detached, attached hujson.Extra) {
	breaks := lineBreaks(e)
	if len(breaks) == 0 {
		return nil, e
	}
	i := len(breaks) - 1
	for i > 0 && hasComment(e[breaks[i-1]:breaks[i]]) {
		i--
	}
	return e[:breaks[i]], e[breaks[i]:]
}

// cutBlank parts the blank lines that e begins with from the rest.
func cutBlank(e hujson.Extra) (blank, rest hujson.Extra) {
	breaks := lineBreaks(e)
	at := 0
	for _, b := range breaks {
		if len(bytes.TrimSpace(e[:b])) > 0 {
			break
		}
		at = b
	}
	return e[:at], e[at:]
}

// glue puts b after a, on a new line where a ends in a line comment.
func glue(a, b hujson.Extra, newline string) hujson.Extra {
	e := append(bytes.Clone(a), b...)
	if n := len(a); inLineComment(a) && !bytes.HasPrefix(b, []byte("\n")) && !bytes.HasPrefix(b, []byte("\r\n")) {
		e = append(append(e[:n:n], newline...), b...)
	}
	return e
}

// inLineComment reports whether what follows e would be part of a comment.
func inLineComment(e hujson.Extra) bool {
	return len(e) > 0 && !e.IsValid()
}

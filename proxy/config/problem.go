package config

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Problem is one thing that is wrong with a file, or wants a look, and where.
// It never holds a value from a credential.
type Problem struct {
	File         string
	Line, Column int    // from 1, the column in characters; 0: the whole file
	Service      string // "" outside services
	Field        string // as a path: "base_url", "credential/token", "valid_audiences/0"
	Message      string
}

// Error is the problem on one line:
//
//	config.json:12:5: service "github": base_url: is empty
func (p Problem) Error() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
		}
		b.WriteString(": ")
	} else if p.Line > 0 {
		fmt.Fprintf(&b, "line %d, column %d: ", p.Line, p.Column)
	}
	if p.Service != "" {
		fmt.Fprintf(&b, "service %q: ", p.Service)
	}
	if p.Field != "" {
		b.WriteString(p.Field + ": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Problems is everything that is wrong with a file, in file order.
type Problems []Problem

// Error is one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the problems to errors.As.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}

// finding is a problem whose line is not known yet.
type finding struct {
	offset int
	Problem
}

// locate turns offsets into lines and columns, in one pass over the file: a
// minified one of some megabytes has thousands of findings on its only line.
func locate(file string, src []byte, found []finding) []Problem {
	if len(found) == 0 {
		return nil
	}
	slices.SortStableFunc(found, func(a, b finding) int { return a.offset - b.offset })
	problems := make([]Problem, len(found))
	at, line, column := 0, 1, 1
	for i, f := range found {
		for at < min(f.offset, len(src)) {
			r, size := utf8.DecodeRune(src[at:])
			at += size
			column++
			if r == '\n' {
				line, column = line+1, 1
			}
		}
		f.File, f.Line, f.Column = file, line, column
		problems[i] = f.Problem
	}
	return problems
}

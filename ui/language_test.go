package ui

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lockbox/assets"
)

// wording is the string literals of the package, as far as a person may read them.
type wording struct {
	keys   map[string]string // what is looked up, and where
	nailed []string          // what a person would read in English everywhere
}

// unread are the calls whose literals nobody reads in the window.
var unread = regexp.MustCompile(`^(strings|errors|regexp|time|os|filepath|http|url|slog|log|strconv|bytes)\.|^(panic|fyne\.LogError|fmt\.Errorf|fyne\.NewStaticResource|count|counted|stamp)$|\.(Header\.Get|PreferenceValue|Format)$`)

// alike are literals that are the same in every language: names, formats, examples
// of what is typed, keys of a keyboard, words of the log's query.
var alike = regexp.MustCompile(`^(Lockbox|ngrok|JSON Lines|HAR|CSV|[A-Z]+|[A-Z]\w*(-[A-Z]\w*)+|Ctrl|Shift|Cmd|Bearer |…| …|zapier, make|GET / ?…?:? ?|https?:.*|\{.*|Accept: .*|.*(status:5xx|leak_guard|15:04|2006).*)$`)

// speech is what looks like language: a word and a space, or a word with a capital.
var speech = regexp.MustCompile(`(?s)[A-Za-z]{2,}.* |^ .*[A-Za-z]{2}|^[A-Z][a-z]+|[A-Za-z]…$|^\d+ [a-z]+$|^never$`)

var verb = regexp.MustCompile(`%(\[\d+\])?[-+# 0]*\d*(\.\d+)?[a-zA-Z%]`)

func spoke(s string) bool {
	bare := verb.ReplaceAllString(s, "")
	return speech.MatchString(s) && regexp.MustCompile(`[A-Za-z]{2}|^[A-Z] `).MatchString(bare) && !alike.MatchString(s) && !regexp.MustCompile(`^ ?(kB|MB|B|ms|s)$`).MatchString(strings.TrimSpace(bare))
}

// readTexts reads the package's files. Tables and constants of the package are
// looked up where they are used, so that their literals are keys.
func readTexts(t *testing.T) wording {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(len(files), err)
	}
	out := wording{keys: map[string]string{}}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") || f == "kit_platforms.go" { // whose words are the platforms'
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, f, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			g, isDecl := d.(*ast.GenDecl)
			if isDecl && g.Tok == token.IMPORT {
				continue
			}
			r := reader{out: &out, set: set, table: isDecl}
			r.read(d, false)
		}
	}
	return out
}

type reader struct {
	out   *wording
	set   *token.FileSet
	table bool
}

func (r reader) read(n ast.Node, exempt bool) {
	switch x := n.(type) {
	case *ast.Field: // a tag
		return
	case *ast.CallExpr:
		r.call(x, exempt)
		return
	case *ast.FuncLit:
		r.table, exempt = false, false
	case *ast.CaseClause:
		for _, e := range x.List {
			r.read(e, true)
		}
		for _, s := range x.Body {
			r.read(s, exempt)
		}
		return
	case *ast.IndexExpr:
		r.read(x.X, exempt)
		return
	case *ast.KeyValueExpr:
		r.read(x.Value, exempt)
		return
	case *ast.BinaryExpr:
		exempt = exempt || x.Op == token.EQL || x.Op == token.NEQ
	case *ast.BasicLit:
		if s, err := strconv.Unquote(x.Value); err == nil && x.Kind == token.STRING && !exempt && spoke(s) {
			where := r.set.Position(x.Pos()).String()
			if r.table {
				r.out.keys[s] = where
			} else {
				r.out.nailed = append(r.out.nailed, where+": "+x.Value)
			}
		}
	}
	ast.Inspect(n, func(c ast.Node) bool {
		if c == n {
			return true
		}
		if c != nil {
			r.read(c, exempt)
		}
		return false
	})
}

func (r reader) call(x *ast.CallExpr, exempt bool) {
	name := called(x.Fun)
	key := func(i int, more string) {
		if l, ok := x.Args[i].(*ast.BasicLit); ok && l.Kind == token.STRING {
			s, _ := strconv.Unquote(l.Value)
			r.out.keys[s+more] = r.set.Position(l.Pos()).String()
		}
	}
	switch name {
	case "lang.L", "lang.N", "lang.X":
		key(0, "")
		return
	case "count", "counted":
		key(1, "s")
	case "stamp":
		r.out.keys["2 Jan"] = "stamp"
	}
	r.read(x.Fun, exempt)
	for _, a := range x.Args {
		r.read(a, unread.MatchString(name))
	}
}

// called is the name of a function, with those before the dots.
func called(f ast.Expr) string {
	switch x := f.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		return strings.TrimPrefix(called(x.X)+"."+x.Sel.Name, ".")
	}
	return ""
}

// No text in the window is nailed down.
func TestTextsAreTranslated(t *testing.T) {
	for _, s := range readTexts(t).nailed {
		t.Errorf("%s is in English everywhere: put it in lang.L", s)
	}
}

// Every text has a German one, with the same values in it, and there are no others.
func TestGermanIsComplete(t *testing.T) {
	keys := readTexts(t).keys
	german := germanTexts(t)
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		forms, ok := german[k]
		if !ok {
			t.Errorf("assets/lang/de.json has no %q (%s)", k, keys[k])
			continue
		}
		for _, text := range forms {
			if got, want := values(text), values(k); got != want {
				t.Errorf("%q has the values %s, in German %s", k, want, got)
			}
			if text == "" {
				t.Errorf("%q is empty in German", k)
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(german)) {
		if _, ok := keys[k]; !ok {
			t.Errorf("assets/lang/de.json has %q, which the window does not say", k)
		}
	}
}

// germanTexts are the German texts: one, or the forms of a noun.
func germanTexts(t *testing.T) map[string][]string {
	t.Helper()
	data, err := assets.Languages.ReadFile("lang/de.json")
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for k, v := range raw {
		var text string
		var forms struct{ One, Other string }
		if json.Unmarshal(v, &text) == nil {
			out[k] = []string{text}
		} else if err := json.Unmarshal(v, &forms); err != nil {
			t.Errorf("%q: %v", k, err)
		} else {
			out[k] = []string{forms.One, forms.Other}
		}
	}
	return out
}

// values are the verbs of a format, in the order of the values.
func values(format string) string {
	var out []string
	next := 0
	for _, v := range verb.FindAllString(format, -1) {
		if strings.HasSuffix(v, "%") {
			continue
		}
		if at := strings.IndexByte(v, ']'); at > 0 {
			next, _ = strconv.Atoi(v[2:at])
			next--
			v = "%" + v[at+1:]
		}
		out = append(out, strconv.Itoa(next+1)+v)
		next++
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

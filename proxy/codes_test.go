package proxy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// statusNames are the constants that the package's code uses.
var statusNames = map[string]int{
	"StatusBadRequest": http.StatusBadRequest, "StatusUnauthorized": http.StatusUnauthorized, "StatusForbidden": http.StatusForbidden,
	"StatusNotFound": http.StatusNotFound, "StatusMethodNotAllowed": http.StatusMethodNotAllowed, "StatusMisdirectedRequest": http.StatusMisdirectedRequest, "StatusRequestEntityTooLarge": http.StatusRequestEntityTooLarge,
	"StatusConflict": http.StatusConflict, "StatusUnprocessableEntity": http.StatusUnprocessableEntity,
	"StatusTooManyRequests": http.StatusTooManyRequests, "StatusInternalServerError": http.StatusInternalServerError, "StatusBadGateway": http.StatusBadGateway,
	"StatusServiceUnavailable": http.StatusServiceUnavailable, "StatusGatewayTimeout": http.StatusGatewayTimeout,
}

// codesInCode finds each code and its status where problems are made.
func codesInCode(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{"reload_failed 500": true} // has a document of its own, the original's
	note := func(status int, code ast.Expr) {
		text := codeTokenMissing
		if lit, ok := code.(*ast.BasicLit); ok {
			text, _ = strconv.Unquote(lit.Value)
		} else if id, ok := code.(*ast.Ident); !ok || id.Name != "codeTokenMissing" {
			return // a wrapper's parameter
		}
		found[fmt.Sprint(text, " ", status)] = true
	}
	look := func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) < 2 {
			return true
		}
		name, _ := call.Fun.(*ast.Ident)
		switch {
		case name == nil:
		case name.Name == "refuse":
			if status, ok := call.Args[0].(*ast.SelectorExpr); ok && strings.HasPrefix(status.Sel.Name, "Status") {
				number, known := statusNames[status.Sel.Name]
				if !known {
					t.Errorf("the test does not know http.%s", status.Sel.Name)
				}
				note(number, call.Args[1])
			}
		case name.Name == "fail": // newRoute's
			note(http.StatusServiceUnavailable, call.Args[0])
		}
		return true
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(source, look)
	}
	for _, code := range []string{"not_public 401", "not_ours 401", "not_allowed_from 401", "upstream_aborted 502"} { // records alone have them
		if !found[code] {
			t.Errorf("%s is no longer there", code)
		}
		delete(found, code)
	}
	return found
}

// The README's table of codes says what the code does.
func TestCodesInReadme(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	table := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (\\d{3}) \\| (.+) \\|$").FindAllStringSubmatch(string(text), -1) {
		if table[row[1]+" "+row[2]] {
			t.Errorf("%s is there twice", row[1])
		}
		table[row[1]+" "+row[2]] = true
	}
	code := codesInCode(t)
	if len(code) < 25 {
		t.Errorf("only %d codes were found in the code", len(code))
	}
	for _, c := range slices.Sorted(maps.Keys(code)) {
		if !table[c] {
			t.Errorf("the README's table lacks %s", c)
		}
	}
	for _, c := range slices.Sorted(maps.Keys(table)) {
		if !code[c] {
			t.Errorf("the README's table has %s, which no code gives", c)
		}
	}
}

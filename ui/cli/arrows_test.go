package cli

import (
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// arrows says which of our packages each may import, tests aside. The proxy
// knows no keychain and no screen; pages know the backend only; nothing but main
// knows a face.
var arrows = map[string][]string{
	"lockbox":                    {"lockbox/proxy/secret", "lockbox/ui/launch", "lockbox/ui/cli", "lockbox/ui/backend", "lockbox/ui/display"},
	"lockbox/assets":             {},
	"lockbox/proxy":              {"lockbox/proxy/approval", "lockbox/proxy/audit", "lockbox/proxy/config", "lockbox/proxy/credential", "lockbox/proxy/drift", "lockbox/proxy/duplicate", "lockbox/proxy/guard", "lockbox/proxy/http1", "lockbox/proxy/limit", "lockbox/proxy/policy", "lockbox/proxy/register", "lockbox/proxy/secret", "lockbox/proxy/token"},
	"lockbox/proxy/approval":     {"lockbox/proxy/audit"},
	"lockbox/proxy/audit":        {"lockbox/proxy/secret"},
	"lockbox/proxy/audit/export": {"lockbox/proxy/audit"},
	"lockbox/proxy/bench":        {},
	"lockbox/proxy/bench/bare":   {"lockbox/proxy", "lockbox/proxy/audit", "lockbox/proxy/config", "lockbox/proxy/secret", "lockbox/proxy/token"},
	"lockbox/proxy/bench/floor":  {},
	"lockbox/proxy/config":       {"lockbox/proxy/secret"},
	"lockbox/proxy/conformance":  {},
	"lockbox/proxy/credential":   {"lockbox/proxy/config", "lockbox/proxy/secret"},
	"lockbox/proxy/duplicate":    {},
	"lockbox/proxy/drift":        {"lockbox/proxy/config"},
	"lockbox/proxy/guard":        {"lockbox/proxy/secret"},
	"lockbox/proxy/http1":        {},
	"lockbox/proxy/limit":        {"lockbox/proxy/config"},
	"lockbox/proxy/oauthtest":    {},
	"lockbox/proxy/policy":       {"lockbox/proxy/config"},
	"lockbox/proxy/policy/learn": {"lockbox/proxy/config", "lockbox/proxy/policy"},
	"lockbox/proxy/preset":       {"lockbox/assets", "lockbox/proxy/config"},
	"lockbox/proxy/register":     {"lockbox/proxy/drift", "lockbox/proxy/token"},
	"lockbox/proxy/secret":       {},
	"lockbox/proxy/token":        {"lockbox/proxy/secret"},
	"lockbox/tunnel":             {"lockbox/proxy/secret"},
	"lockbox/tunnel/awake":       {},
	"lockbox/tunnel/ngroktest":   {},
	"lockbox/ui/autostart":       {"lockbox/proxy/config"},
	"lockbox/ui/update":          {},
	"lockbox/ui":                 {"lockbox/assets", "lockbox/proxy/secret", "lockbox/ui/autostart", "lockbox/ui/update", "lockbox/ui/backend", "lockbox/ui/display"},
	"lockbox/ui/backend":         {"lockbox/proxy", "lockbox/proxy/approval", "lockbox/proxy/audit", "lockbox/proxy/audit/export", "lockbox/proxy/config", "lockbox/proxy/credential", "lockbox/proxy/drift", "lockbox/proxy/limit", "lockbox/proxy/policy", "lockbox/proxy/policy/learn", "lockbox/proxy/preset", "lockbox/proxy/register", "lockbox/proxy/secret", "lockbox/proxy/token", "lockbox/tunnel", "lockbox/tunnel/awake", "lockbox/ui/display", "lockbox/vault"},
	"lockbox/ui/cli":             {"lockbox/proxy/config", "lockbox/proxy/preset", "lockbox/proxy/secret", "lockbox/proxy/token", "lockbox/ui/autostart", "lockbox/ui/backend"},
	"lockbox/ui/desktest":        {},
	"lockbox/ui/launch":          {"lockbox/ui", "lockbox/ui/backend"},
	"lockbox/ui/display":         {},
	"lockbox/vault":              {"lockbox/proxy/config", "lockbox/proxy/secret"},
}

// screens are the modules that need a display's libraries or speak of widgets.
var screens = []string{"fyne.io/fyne/v2", "fyne.io/systray"}

// These link against the display: the headless build must not see them.
var displays = []string{"fyne.io/fyne/v2/app", "fyne.io/systray"}

func TestArrows(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir("../..", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && (name == "testdata" || strings.HasPrefix(name, ".") && name != "..") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel("../..", file)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		pkg := path.Join("lockbox", path.Dir(rel))
		seen[pkg] = true
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		allowed, known := arrows[pkg]
		if !known {
			t.Errorf("%s: the table of arrows does not know %s", rel, pkg)
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			checkImport(t, rel, pkg, imported, allowed, parsed)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range arrows {
		if !seen[pkg] {
			t.Errorf("the table of arrows speaks of %s, which is not there", pkg)
		}
	}
}

func checkImport(t *testing.T, file, pkg, imported string, allowed []string, parsed *ast.File) {
	t.Helper()
	if strings.HasPrefix(imported, "lockbox/") && !slices.Contains(allowed, imported) {
		t.Errorf("%s: %s must not import %s", file, pkg, imported)
	}
	for _, module := range screens {
		if (imported == module || strings.HasPrefix(imported, module+"/")) && pkg != "lockbox/ui" {
			t.Errorf("%s: %s must not know of %s", file, pkg, imported)
		}
	}
	if slices.Contains(displays, imported) && inHeadless(t, parsed) {
		t.Errorf("%s: imports %s, so it needs //go:build !headless", file, imported)
	}
}

// inHeadless reports whether a file is part of the headless build.
func inHeadless(t *testing.T, f *ast.File) bool {
	t.Helper()
	for _, group := range f.Comments {
		for _, c := range group.List {
			if !constraint.IsGoBuild(c.Text) {
				continue
			}
			expr, err := constraint.Parse(c.Text)
			if err != nil {
				t.Fatal(err)
			}
			return expr.Eval(func(tag string) bool { return tag == "headless" || tag == "linux" || tag == "unix" })
		}
	}
	return true
}

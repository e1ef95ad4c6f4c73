//go:build linux

package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// canaries are secrets by name, and what was written where they must not be.
type canaries struct {
	mu      sync.Mutex
	secrets map[string]string
	said    map[string][]byte // by where
}

func newCanaries(secrets map[string]string) *canaries {
	return &canaries{secrets: secrets, said: map[string][]byte{}}
}

func (c *canaries) plant(name, secret string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.secrets[name] = secret
	return secret
}

// hear keeps what was written for the search.
func (c *canaries) hear(where string, text ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said[where] = append(c.said[where], strings.Join(text, "\n")+"\n"...)
}

// forms are the ways in which a secret is written.
func forms(secret string) map[string][]byte {
	out := map[string][]byte{
		"plain": []byte(secret), "query": []byte(url.QueryEscape(secret)), "path": []byte(url.PathEscape(secret)),
		"hex": []byte(hex.EncodeToString([]byte(secret))), "quoted": []byte(strconv.Quote(secret)[1:]), "ASCII": []byte(strconv.QuoteToASCII(secret)[1:]),
	}
	for name, quoted := range map[string][]byte{"quoted": out["quoted"], "ASCII": out["ASCII"]} {
		out[name] = quoted[:len(quoted)-1]
	}
	for _, html := range []bool{true, false} {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(html)
		_ = e.Encode(secret) // a string can be
		out[fmt.Sprintf("JSON %v", html)] = b.Bytes()[1 : b.Len()-2]
	}
	// In base64 a text looks otherwise by where it begins; what depends on its
	// neighbours is cut off.
	for shift := range 3 {
		for name, enc := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
			text := enc.EncodeToString([]byte(strings.Repeat("x", shift) + secret))
			from, to := (shift*8+5)/6, (shift+len(secret))*8/6
			out[fmt.Sprintf("%s %d", name, shift)] = []byte(text[from:to])
		}
	}
	return out
}

// search finds the secrets in what was heard and in every file under dirs; except
// says what may be.
func (c *canaries) search(t *testing.T, except func(where, name string) bool, dirs ...string) (found []string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	written := map[string]map[string][]byte{}
	for name, secret := range c.secrets {
		written[name] = forms(secret)
	}
	look := func(where string, text []byte) {
		for name, forms := range written {
			if except(where, name) {
				continue
			}
			for form, bytesOf := range forms {
				at := bytes.Index(text, bytesOf)
				if at < 0 {
					continue
				}
				found = append(found, fmt.Sprintf("%s (%s) in %s, byte %d, behind %q", name, form, where, at, text[max(0, at-60):at]))
			}
		}
	}
	for where, text := range c.said {
		look(where, text)
	}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			text, err := os.ReadFile(path)
			look(path, text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(found)
	return found
}

// watchProcess keeps the command line and the environment of a process and of all
// that it starts, until stop.
func (c *canaries) watchProcess(pid int) (stop func()) {
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			for i, p := range family(pid) {
				for _, what := range []string{"cmdline", "environ"} {
					if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p, what)); err == nil {
						where := what + " of Lockbox"
						if i > 0 {
							where = what + " of a child"
						}
						c.mu.Lock()
						if !bytes.Contains(c.said[where], text) {
							c.said[where] = append(c.said[where], text...)
						}
						c.mu.Unlock()
					}
				}
			}
			select {
			case <-end:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() { close(end); <-done }
}

// family is a process and its children and theirs.
func family(pid int) []int {
	out := []int{pid}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // gone: none
	for _, task := range tasks {
		text, _ := os.ReadFile(task)
		for _, f := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(f); err == nil {
				out = append(out, family(child)...)
			}
		}
	}
	return out
}

// TestCanarySearch: the search finds every secret in every form, wherever it
// begins, in files, in what was said and in a child's environment.
func TestCanarySearch(t *testing.T) {
	dir := t.TempDir()
	nothing := func(string, string) bool { return false }
	for _, secret := range []string{"sk-canary-plain", `canary "with" <all>&é+/%`} {
		for form, text := range forms(secret) {
			c := newCanaries(map[string]string{"it": secret})
			if found := c.search(t, nothing, dir); len(found) > 0 {
				t.Fatalf("found where nothing is: %v", found)
			}
			path := filepath.Join(dir, "leak")
			if err := os.WriteFile(path, slices.Concat([]byte("\x00a"), text, []byte("b")), 0o600); err != nil {
				t.Fatal(err)
			}
			if found := c.search(t, nothing, dir); len(found) == 0 {
				t.Errorf("%s is not found in a file", form)
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			c.hear("a log", "a "+string(text))
			if found := c.search(t, nothing, dir); len(found) == 0 {
				t.Errorf("%s is not found in a log", form)
			}
		}
		for shift := range 4 {
			c := newCanaries(map[string]string{"it": secret})
			c.hear("a log", base64.StdEncoding.EncodeToString([]byte("user:pass"[:shift]+secret+"!")))
			if found := c.search(t, nothing); len(found) == 0 {
				t.Errorf("base64 with %d bytes before it is not found", shift)
			}
		}
	}
}

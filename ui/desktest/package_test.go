//go:build desktop && package

package desktest_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lockbox/ui/desktest"
)

// answered waits until the demo service answers at an address.
func answered(t *testing.T, addr string) {
	t.Helper()
	client := &http.Client{Timeout: 5 * time.Second}
	eventually(t, "an answer of the demo", func() bool {
		res, err := client.Get("http://" + addr + "/s/demo/hello")
		if err != nil {
			return false
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		return err == nil && res.StatusCode == http.StatusOK && strings.Contains(string(body), "/hello")
	})
}

// running starts a packaged program, and has what it said shown when the test fails.
func running(t *testing.T, cmd *exec.Cmd) (log *lockedBuffer, ended func() error) {
	t.Helper()
	log = new(lockedBuffer)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		if t.Failed() {
			t.Logf("it said:\n%s", log)
		}
	})
	return log, func() error {
		select {
		case err := <-done:
			return err
		case <-time.After(time.Minute):
			return fmt.Errorf("still there after a minute")
		}
	}
}

func demoConfig(addr string) string {
	return fmt.Sprintf(`{"listen": %q, "services": {"demo": {"base_url": "lockbox://demo", "requires_service_token": false}}}`, addr)
}

// The .deb is installed in a clean Debian with what it depends on and no more,
// starts on a desktop, and leaves nothing but the person's own when it is purged.
func TestDeb(t *testing.T) {
	deb := built(t, "lockbox_*_amd64.deb")
	if out := sh(t, "lintian --fail-on error,warning %s 2>&1 || true", deb); strings.Contains(out, "E: ") || strings.Contains(out, "W: ") {
		t.Errorf("lintian says:\n%s", out)
	}
	r := newRoot(t, "bookworm")
	r.sh(t, "apt-get update -q")
	before := r.files(t)
	sh(t, "cp %s %s/lockbox.deb", deb, r)
	r.sh(t, "apt-get install -y -q --no-install-recommends /lockbox.deb; rm /lockbox.deb")

	sh(t, "desktop-file-validate %s/usr/share/applications/io.github.lockbox.desktop", r)
	sh(t, "appstreamcli validate --no-net --pedantic %s/usr/share/metainfo/io.github.lockbox.metainfo.xml", r)
	licensed(t, "the .deb", r.sh(t, "zcat /usr/share/doc/lockbox/licenses.txt.gz"))
	r.sh(t, "zcat /usr/share/man/man1/lockbox.1.gz | grep -q lockbox; zcat /usr/share/doc/lockbox/lockbox.cdx.json.gz | grep -q fyne.io/fyne/v2")
	for _, size := range []string{"16x16", "48x48", "256x256"} {
		if out := sh(t, "file -b %s/usr/share/icons/hicolor/%s/apps/io.github.lockbox.png", r, size); !strings.Contains(out, strings.Replace(size, "x", " x ", 1)) {
			t.Errorf("the icon of %s is %s", size, out)
		}
	}

	d := desktest.Start(t, desktest.Options{})
	r.on(t, d)
	addr := freeAddr(t)
	config := writeConfig(t, d, demoConfig(addr))
	cmd := r.command(d, "lockbox") // as the desktop file has it
	_, ended := running(t, cmd)
	answered(t, addr)
	win := d.Window("Lockbox")
	tray := d.Tray(0)
	d.Screenshot("package-deb")
	class, err := d.Command("xprop", "-id", win, "WM_CLASS").Output()
	if err != nil || !strings.Contains(string(class), `"Lockbox"`) {
		t.Errorf("the window's class is %s (%v); the desktop file says Lockbox", class, err)
	}
	tray.Click("Quit")
	if err := ended(); err != nil {
		t.Errorf("quit: %v", err)
	}

	r.sh(t, "apt-get purge -y -q lockbox; apt-get autoremove -y -q --purge")
	if out := r.sh(t, "dpkg-query -W || true"); strings.Contains(out, "lockbox") {
		t.Error("dpkg still knows it")
	}
	var left []string
	for _, path := range r.files(t) {
		if _, found := slices.BinarySearch(before, path); !found && !bookkeeping(path) {
			left = append(left, path)
		}
	}
	if len(left) > 0 {
		t.Errorf("after the purge there is still: %q", left)
	}
	if _, err := os.Stat(config); err != nil {
		t.Errorf("the person's config: %v", err)
	}
}

// bookkeeping reports whether a path is one of those that the packages which Lockbox
// depends on make and leave when they are removed, whoever wanted them.
func bookkeeping(path string) bool {
	for _, p := range []string{"/etc/ld.so.cache", "/var/lib/systemd", "/usr/share/icons", "/etc/drirc", "/etc/X11"} {
		if strings.HasPrefix(path, p) && !strings.Contains(path, "lockbox") {
			return true
		}
	}
	return false
}

// The static binary of the archive runs in an empty root, as the container's does,
// for a user that owns /data alone.
func TestContainer(t *testing.T) {
	dir, err := os.MkdirTemp("", "container-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a folder of the test's
	sh(t, "chmod 755 %[1]s; tar -xzf %[2]s --strip-components=1 -C %[1]s; mkdir -p %[1]s/usr/bin %[1]s/etc/ssl/certs %[1]s/run/secrets %[1]s/tmp; chmod 1777 %[1]s/tmp; mv %[1]s/lockbox %[1]s/usr/bin/",
		dir, built(t, "lockbox-headless_*_linux_amd64.tar.gz"))
	sh(t, "cp /etc/ssl/certs/ca-certificates.crt %[1]s/etc/ssl/certs/; echo correct horse battery > %[1]s/run/secrets/passphrase; chown -R 65532:65532 %[1]s/data %[1]s/run/secrets; chmod 700 %[1]s/data", dir)
	addr := freeAddr(t)
	var env []string
	for _, line := range strings.Split(sh(t, "sed -n '/^ENV/,/[^\\\\]$/p' %s/Containerfile", dir), "\n") {
		for _, word := range strings.Fields(line) {
			if strings.Contains(word, "=") {
				env = append(env, word)
			}
		}
	}
	if len(env) < 4 {
		t.Fatalf("the Containerfile's environment is %q", env)
	}
	cmd := exec.Command("chroot", "--userspec=65532:65532", dir, "/usr/bin/lockbox", "serve", "--listen", addr)
	cmd.Env = append(env, "HOME=/nowhere")
	_, ended := running(t, cmd)
	answered(t, addr)
	if _, err := os.Stat(filepath.Join(dir, "data/vault.age")); err != nil {
		t.Errorf("the vault file: %v", err)
	}
	_ = cmd.Process.Signal(os.Interrupt)
	if err := ended(); err != nil {
		t.Errorf("it ends with %v", err)
	}
}

// systemd takes the units, and holds the server's to be safe.
func TestUnits(t *testing.T) {
	dir := t.TempDir()
	sh(t, "tar -xzf %[2]s --strip-components=1 -C %[1]s; sed -i s,/usr/local/bin/lockbox,%[1]s/lockbox, %[1]s/lockbox.service; systemd-analyze verify --man=no %[1]s/lockbox.service",
		dir, built(t, "lockbox-headless_*_linux_amd64.tar.gz"))
	sh(t, "systemd-analyze security --offline=true --threshold=25 %s/lockbox.service", dir)
	sh(t, "dpkg-deb -x %[2]s %[1]s/deb; sed s,/usr/bin/lockbox,%[1]s/deb/usr/bin/lockbox, %[1]s/deb/usr/lib/systemd/user/lockbox.service > %[1]s/user.service; XDG_RUNTIME_DIR=%[1]s systemd-analyze verify --user --man=no %[1]s/user.service", dir, built(t, "lockbox_*_amd64.deb"))
}

// What was made is what the list of checksums says, with a bill of materials for
// each binary.
func TestChecksums(t *testing.T) {
	sh(t, "cd %s; sha256sum --strict -c SHA256SUMS; ls | grep -v SHA256SUMS | while read f; do grep -qF \"  $f\" SHA256SUMS; done", packages)
	for _, kind := range []string{"lockbox_*_linux_amd64", "lockbox_*_windows_amd64", "lockbox-headless_*_linux_amd64", "lockbox-headless_*_linux_arm64"} {
		text, err := os.ReadFile(built(t, kind+".cdx.json"))
		if err != nil || !bytes.Contains(text, []byte(`"bomFormat": "CycloneDX"`)) || !bytes.Contains(text, []byte("golang-jwt/jwt/v5")) || !bytes.Contains(text, []byte(`"licenses"`)) {
			t.Errorf("the bill of %s: %v", kind, err)
		}
	}
}

// An archive is one folder, so that unpacking it changes none that is there, with the
// licenses of what is linked into its binary.
func TestArchives(t *testing.T) {
	for pattern, binary := range map[string]string{
		"lockbox-headless_*_linux_amd64.tar.gz": "lockbox",
		"lockbox-headless_*_linux_arm64.tar.gz": "lockbox",
		"lockbox_*_linux_amd64.tar.xz":          "usr/local/bin/lockbox",
	} {
		archive := built(t, pattern)
		folder := "lockbox"
		if name, headless := strings.CutSuffix(filepath.Base(archive), ".tar.gz"); headless {
			folder = name
		}
		list := strings.Fields(sh(t, "tar -tf %s", archive))
		if i := slices.IndexFunc(list, func(name string) bool { return !strings.HasPrefix(name, folder+"/") }); i >= 0 {
			t.Errorf("%s: %s is not in the folder %s", pattern, list[i], folder)
		}
		if !slices.Contains(list, folder+"/"+binary) {
			t.Errorf("%s has no %s", pattern, binary)
		}
		licensed(t, pattern, sh(t, "tar -xOf %s %s/licenses.txt", archive, folder))
	}
	text, err := os.ReadFile(built(t, "lockbox_*_windows_amd64.licenses.txt"))
	if err != nil {
		t.Fatal(err)
	}
	licensed(t, "the program for Windows", string(text))
}

// licensed looks for a module's license, Go's and ours among those of a package.
func licensed(t *testing.T, of, licenses string) {
	t.Helper()
	for _, want := range []string{"Lockbox authors", "The Go Authors", "github.com/golang-jwt/jwt/v5 v5"} {
		if !strings.Contains(licenses, want) {
			t.Errorf("the licenses of %s lack %q", of, want)
		}
	}
}

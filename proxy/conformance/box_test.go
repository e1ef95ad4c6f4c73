//go:build linux

package conformance

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A box is a running lockbox serve: the binary that is shipped, with a home of
// its own and neither keychain nor session bus in reach.
type box struct {
	addr   string
	tokens map[string]string // by the service's name, made by the binary itself
	dir    string
	binary string
	said   *transcript
	stop   func() error
}

// startBox builds Lockbox in dir, or takes the binary that LOCKBOX_BINARY names, and
// serves services, each given as what is
// between the braces of its object in the config.
func startBox(dir string, services map[string]string, ca *x509.Certificate) (*box, error) {
	// The name: another's pkill lockbox must not end this one.
	b := &box{dir: dir, binary: filepath.Join(dir, "box"), tokens: map[string]string{}, said: &transcript{}}
	build := exec.Command("go", "build", "-tags", "headless", "-o", b.binary, "lockbox")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if packaged := os.Getenv("LOCKBOX_BINARY"); packaged != "" {
		build = exec.Command("cp", packaged, b.binary) //nolint:gosec // who runs the tests says so
	}
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", build, err, out)
	}
	objects := map[string]json.RawMessage{}
	for name, fields := range services {
		objects[name] = json.RawMessage("{" + fields + "}")
	}
	config, err := json.Marshal(map[string]any{"services": objects})
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"config.json": config, "signing_key": []byte("0123456789abcdef0123456789abcdef")}
	if ca != nil {
		files["ca.pem"] = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw})
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return nil, err
		}
	}
	for name := range services {
		out, err := b.command("token", "--service-name", name, "--audience", "conformance").Output()
		if err != nil {
			return nil, fmt.Errorf("lockbox token: %w", err)
		}
		b.tokens[name] = strings.TrimSpace(string(out))
	}
	return b, b.serve()
}

func (b *box) command(args ...string) *exec.Cmd {
	cmd := exec.Command(b.binary, args...)
	cmd.Dir = b.dir
	cmd.Env = []string{
		"HOME=" + b.dir, "PATH=", "XDG_RUNTIME_DIR=" + b.dir, "DBUS_SESSION_BUS_ADDRESS=unix:path=" + b.dir + "/no-bus",
		"SSL_CERT_FILE=" + filepath.Join(b.dir, "ca.pem"), "SSL_CERT_DIR=" + b.dir,
		"LOCKBOX_CONFIG_PATH=" + filepath.Join(b.dir, "config.json"),
		"LOCKBOX_SIGNING_KEY_FILE=" + filepath.Join(b.dir, "signing_key"),
	}
	return cmd
}

// serve starts the server and waits until it serves.
func (b *box) serve() error {
	cmd := b.command("serve", "--listen", "127.0.0.1:0")
	cmd.Stderr = b.said
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	b.stop = func() error {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		select {
		case err := <-ended:
			return err
		case <-time.After(15 * time.Second):
			_ = cmd.Process.Kill()
			return fmt.Errorf("it still ran 15 s after SIGTERM")
		}
	}
	serves := regexp.MustCompile(` serves \d+ services? at http://(\S+)`)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if m := serves.FindStringSubmatch(b.said.String()); m != nil {
			b.addr = m[1]
			return nil
		}
	}
	_ = cmd.Process.Kill()
	return fmt.Errorf("lockbox serve does not serve:\n%s", b.said)
}

// transcript is what a process writes, readable while it does.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *transcript) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *transcript) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

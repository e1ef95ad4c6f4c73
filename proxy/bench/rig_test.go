//go:build bench

package bench

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const key = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"

// rig is everything that is measured, running.
type rig struct {
	t        *testing.T
	dir      string
	token    string
	subjects []*subject
	record   [2]*subject // the proxy alone, with its record of calls and without
}

// subject is one way to the upstream.
type subject struct {
	name string
	base string // URL of what the upstream has at /
	sink string // URL that bodies are sent to
	cmd  *exec.Cmd
}

// The first core is the proxies', the second that of load and upstream.
const (
	proxyCore = "0"
	loadCore  = "1"
)

// allCores is for what is not pinned.
func allCores() string { return "0-" + strconv.Itoa(runtime.NumCPU()-1) }

func newRig(t *testing.T) *rig {
	r := &rig{t: t, dir: t.TempDir()}
	r.files()
	lockbox, floor := r.build("lockbox", "-tags", "headless"), r.build("lockbox/proxy/bench/floor")
	bare := r.build("lockbox/proxy/bench/bare", "-tags", "headless")
	up, sink, ng, fl, fs, lb := r.port(), r.port(), r.port(), r.port(), r.port(), r.port()
	with, without := r.port(), r.port()
	fill := strings.NewReplacer("DIR", r.dir, "PORT_UPSTREAM", up, "PORT_NGINX", ng, "PORT_SINK", sink, "KEY", key)
	for _, name := range []string{"upstream.conf", "nginx.conf", "auth.js", "upload.lua"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		r.write(name, fill.Replace(string(text)))
	}
	upstream := "http://127.0.0.1:" + up
	r.write("config.json", fmt.Sprintf(`{"services": {
		"bench": {"base_url": %q, "credential": {"type": "bearer", "token": "sk-upstream-key"}},
		"sink": {"base_url": "http://127.0.0.1:%s", "requires_service_token": false, "credential": {"type": "bearer", "token": "sk-upstream-key"}}%s}}`, upstream, sink, guarded(upstream)))
	r.write("key", key)
	out, err := r.command(lockbox, "token", "--service-name", "bench", "--audience", "bench", "--duration", "30d").Output()
	if err != nil {
		t.Fatal(err)
	}
	r.token = strings.TrimSpace(string(out))

	local := func(port string) string { return "http://127.0.0.1:" + port }
	direct := r.start(loadCore, up, "nginx", "-c", r.dir+"/upstream.conf", "-p", r.dir)
	r.start(loadCore, sink, floor, "sink", "127.0.0.1:"+sink)
	r.start(proxyCore, fs, floor, "proxy", "127.0.0.1:"+fs, local(sink), key, r.dir+"/floor-sink.log")
	r.subjects = []*subject{
		{"no proxy", upstream, local(sink), direct},
		{"nginx+njs", local(ng) + "/s/bench", local(ng) + "/s/bench/sink", r.start(proxyCore, ng, "nginx", "-c", r.dir+"/nginx.conf", "-p", r.dir)},
		{"ReverseProxy", local(fl) + "/s/bench", local(fs) + "/s/bench/", r.start(proxyCore, fl, floor, "proxy", "127.0.0.1:"+fl, upstream, key, r.dir+"/floor.log")},
		{"Lockbox", local(lb) + "/s/bench", local(lb) + "/s/sink/", r.start(proxyCore, lb, lockbox, "serve", "--listen", "127.0.0.1:"+lb)},
	}
	r.record = [2]*subject{
		{"recorded", local(with) + "/s/bench", "", r.start(proxyCore, with, bare, "127.0.0.1:"+with, r.dir+"/config.json", key, r.dir+"/record")},
		{"no record", local(without) + "/s/bench", "", r.start(proxyCore, without, bare, "127.0.0.1:"+without, r.dir+"/config.json", key, "")},
	}
	return r
}

// unpinned is the proxy with its record and without, as on a user's machine: both,
// and an upstream of their own, run where the kernel puts them.
func (r *rig) unpinned() [2]*subject {
	r.t.Helper()
	up := r.port()
	text, err := os.ReadFile(filepath.Join("testdata", "upstream.conf"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.write("free.conf", strings.NewReplacer("DIR/upstream", r.dir+"/free", "DIR", r.dir, "PORT_UPSTREAM", up).Replace(string(text)))
	r.start(allCores(), up, "nginx", "-c", r.dir+"/free.conf", "-p", r.dir)
	return r.both("free", up)
}

// waiting is unpinned with an upstream that takes so long for each answer.
func (r *rig) waiting(delay time.Duration) [2]*subject {
	r.t.Helper()
	up := r.port()
	r.start(allCores(), up, r.dir+"/floor", "late", "127.0.0.1:"+up, delay.String())
	return r.both("waiting", up)
}

// both starts the proxy with its record and without, before an upstream.
func (r *rig) both(name, up string) [2]*subject {
	r.t.Helper()
	config := r.dir + "/" + name + ".json"
	r.write(name+".json", fmt.Sprintf(`{"services": {"bench": {"base_url": "http://127.0.0.1:%s", "credential": {"type": "bearer", "token": "sk-upstream-key"}}}}`, up))
	start := func(what, record string) *subject {
		port := r.port()
		return &subject{what, "http://127.0.0.1:" + port + "/s/bench", "", r.start(allCores(), port, r.dir+"/bare", "127.0.0.1:"+port, config, key, record)}
	}
	return [2]*subject{start("recorded", r.dir+"/"+name+"-record"), start("no record", "")}
}

// files are what the upstream serves.
func (r *rig) files() {
	for name, size := range map[string]int{"www/text1k": 1 << 10, "www/text10m": 10 << 20} {
		r.write(name, text(size))
	}
	for name, size := range map[string]int{"www/1k": 1 << 10, "www/100k": 100 << 10, "www/10m": 10 << 20} {
		r.write(name, strings.Repeat("x", size))
	}
}

func (r *rig) write(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o644)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) build(pkg string, flags ...string) string {
	r.t.Helper()
	path := filepath.Join(r.dir, filepath.Base(pkg))
	cmd := exec.Command("go", append(append([]string{"build"}, flags...), "-o", path, pkg)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("%v: %s", err, out)
	}
	return path
}

// port is one that nobody listens on.
func (r *rig) port() string {
	r.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port
}

func (r *rig) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "HOME="+r.dir, "XDG_CONFIG_HOME=", "XDG_STATE_HOME="+r.dir+"/state", "GOMAXPROCS=1",
		"LOCKBOX_CONFIG_PATH="+r.dir+"/config.json", "LOCKBOX_SIGNING_KEY_FILE="+r.dir+"/key")
	return cmd
}

// start runs a server on its cores until the test ends.
func (r *rig) start(core, port, name string, args ...string) *exec.Cmd {
	r.t.Helper()
	cmd := r.command("taskset", append([]string{"-c", core, name}, args...)...)
	if core == allCores() {
		cmd.Env = append(cmd.Env, "GOMAXPROCS="+strconv.Itoa(runtime.NumCPU()))
	}
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Process.Signal(syscall.SIGCONT) // or one that stands still would not hear it
		_ = cmd.Wait()
	})
	address := "127.0.0.1:" + port
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			return cmd
		}
		if time.Now().After(end) {
			r.t.Fatalf("%s does not listen on %s", name, address)
		}
	}
}

// peak is the most memory that a subject's processes have had, in bytes.
func (r *rig) peak(s *subject) int64 {
	pids := []string{strconv.Itoa(s.cmd.Process.Pid)}
	children, err := exec.Command("pgrep", "-P", pids[0]).Output()
	if err == nil {
		pids = append(pids, strings.Fields(string(children))...)
	}
	var sum int64
	for _, pid := range pids {
		text, err := os.ReadFile("/proc/" + pid + "/status")
		if err != nil {
			continue // it has ended
		}
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
				kb, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
				sum += kb << 10
			}
		}
	}
	return sum
}

// worked is how long a subject's process has had a core.
func (r *rig) worked(s *subject) time.Duration {
	r.t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.cmd.Process.Pid))
	if err != nil || len(threads) == 0 {
		r.t.Fatal("the process is gone", err)
	}
	var sum time.Duration
	for _, name := range threads {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		first, _, _ := strings.Cut(string(text), " ")
		ns, _ := strconv.ParseInt(first, 10, 64)
		sum += time.Duration(ns)
	}
	return sum
}

//go:build bench

package backend

import (
	"flag"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/token"
)

var overviewSpan = flag.Duration("overview-span", 90*24*time.Hour, "the time that TestOverviewMillion's calls are spread over")

// TestOverviewMillion prints how long the Overview takes with a million calls,
// 10,000 services and 100,000 tokens, and fails where a person would wait for it.
func TestOverviewMillion(t *testing.T) {
	const calls, services, tokens = 1_000_000, 10_000, 100_000
	dir := t.TempDir()
	o := Options{StateDir: dir}
	log, err := audit.Open(auditDir(o))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for i := range calls {
		x := audit.Exchange{Time: began.Add(-*overviewSpan + *overviewSpan/calls*time.Duration(i)), Service: fmt.Sprint("s", i*i%services), Method: "GET", Path: "/s/x/y", Status: []int{200, 200, 200, 404, 500}[i%5],
			Duration: time.Duration(i%900) * time.Millisecond, JTI: fmt.Sprint("t", i*7%tokens), Audience: "zapier", Listener: "local", Remote: "127.0.0.1:1", Decision: audit.Allowed}
		if err := log.Append(&x); err != nil {
			t.Fatal(err)
		}
	}
	for log.Unsearched() > 0 {
		if _, err := log.Matches(t.Context(), audit.Query{Service: []string{"s1"}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("made and indexed in %v\n", time.Since(began).Round(time.Second))

	config := `{"services": {`
	for i := range services {
		config += fmt.Sprintf(`"s%d": {"base_url": "lockbox://demo"},`, i)
	}
	home := t.TempDir()
	b := start(t, func(x *Options) {
		x.StateDir, x.ConfigPath = dir, filepath.Join(home, "config.json")
		writeConfig(t, x.ConfigPath, config+"}}")
	})
	var all []token.Claims
	for i := range tokens {
		all = append(all, token.Claims{JTI: fmt.Sprint("t", i), Service: fmt.Sprint("s", i%services), Audience: []string{"zapier"}, IssuedAt: time.Now().Add(-80 * 24 * time.Hour), Expires: time.Now().Add(time.Duration(i) * time.Hour)})
	}
	if err := b.tokens.Add("", all...); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began = time.Now()
	for i := 0; ; i++ {
		at := time.Now()
		v, err := b.Overview(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		took := time.Since(at)
		if i < 3 || !v.Partial {
			fmt.Printf("look %d: %v, %d calls today, %d services and %d tokens used, %d concerns, whole %v\n", i+1, took.Round(time.Millisecond), v.Calls, v.ServicesUsed, v.TokensUsed, len(v.Concerns), !v.Partial)
		}
		if took > 300*time.Millisecond {
			t.Errorf("look %d took %v", i+1, took)
		}
		if !v.Partial {
			break
		}
	}
	fmt.Printf("all of the day in %v\n", time.Since(began).Round(time.Millisecond))
	for range 3 {
		at := time.Now()
		if _, err := b.Overview(t.Context()); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("once more: %v\n", time.Since(at).Round(10*time.Microsecond))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	fmt.Printf("memory grew by %.1f MB\n", float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/1e6)
}

package config

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/tailscale/hujson"
)

// BenchmarkParse reads 10,000 services, in well under 200 ms.
func BenchmarkParse(b *testing.B) {
	src := manyServices(10_000)
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if _, err := Parse("f", src); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPutService changes one of 10,000 services.
func BenchmarkPutService(b *testing.B) {
	src := manyServices(10_000)
	s := NewService("service-5000", base(b, "new.example"))
	for b.Loop() {
		if _, err := PutService(src, s.Name, s); err != nil {
			b.Fatal(err)
		}
	}
}

func manyServices(n int) []byte {
	var b bytes.Buffer
	b.WriteString("{\n  \"services\": {\n")
	for i := range n {
		fmt.Fprintf(&b, `    // number %d
    "service-%d": {
      "base_url": "https://api-%d.example.com/v1",
      "credential": {"type": "bearer", "token": "key-%d"},
      "requires_service_token": true,
      "valid_audiences": ["zapier", "n8n"],
      "connect_timeout": 5, "read_timeout": 30,
      "allow_redirects": false, "_note": "x"
    },
`, i, i, i, i)
	}
	b.WriteString("  },\n}\n")
	return b.Bytes()
}

// TestParseMany: 10,000 services, each with a warning, on one line.
func TestParseMany(t *testing.T) {
	v, err := hujson.Parse(manyServices(10_000))
	if err != nil {
		t.Fatal(err)
	}
	v.Minimize()
	start := time.Now()
	c := mustParse(t, v.Pack())
	if len(c.Services) != 10_000 || len(c.Warnings) != 10_000 {
		t.Errorf("%d services, %d warnings", len(c.Services), len(c.Warnings))
	}
	// A guard against quadratic work; the goal of 200 ms is the benchmark's.
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

package backend

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExportFile(t *testing.T) {
	b := start(t, nil)
	for i := range 3 {
		get(t, fmt.Sprintf("%s/s/demo/%d", b.View().BaseURL, i), "")
	}
	file := filepath.Join(t.TempDir(), "calls.har")
	var done, total int64
	n, err := b.ExportFile(t.Context(), file, Query{}, HAR, func(d, all int64) { done, total = d, all })
	if err != nil || n != 3 || done != 3 || total != 3 {
		t.Fatalf("%d records, told of %d of %d, %v; want 3", n, done, total, err)
	}
	text, err := os.ReadFile(file)
	if info, statErr := os.Stat(file); err != nil || statErr != nil || info.Mode().Perm() != 0o600 || !strings.Contains(string(text), b.View().BaseURL+"/s/demo/2") {
		t.Errorf("%v, %v: %s", err, statErr, text)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.ExportFile(ctx, file, Query{}, CSV, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if again, err := os.ReadFile(file); err != nil || string(again) != string(text) {
		t.Errorf("a cancelled export changed the file: %v\n%s", err, again)
	}
	if left, err := os.ReadDir(filepath.Dir(file)); err != nil || len(left) != 1 {
		t.Errorf("left beside it: %v, %v", left, err)
	}
}

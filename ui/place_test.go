package ui

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFreePath(t *testing.T) {
	dir := t.TempDir()
	for _, want := range []string{"calls-1.csv", "calls-1-2.csv", "calls-1-3.csv"} {
		got, err := freePath(dir, "calls-1.csv")
		if err != nil || got != filepath.Join(dir, want) {
			t.Fatalf("%s, %v; want %s", got, err, want)
		}
		if err := os.WriteFile(got, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := freePath(filepath.Join(dir, "calls-1.csv"), "x"); err == nil {
		t.Error("a file is taken for a folder")
	}
}

//go:build bench

package guard

func init() { volume = 1 << 30 }

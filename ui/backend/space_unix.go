//go:build unix

package backend

import "golang.org/x/sys/unix"

// freeSpace is how many bytes this account can still write to a folder's disk.
func freeSpace(dir string) (n uint64, known bool) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, false
	}
	return uint64(st.Bavail) * uint64(st.Bsize), true //nolint:gosec,unconvert // other systems have other types
}

package backend

import "golang.org/x/sys/windows"

// freeSpace is how many bytes this account can still write to a folder's disk.
func freeSpace(dir string) (n uint64, known bool) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, false
	}
	err = windows.GetDiskFreeSpaceEx(path, &n, nil, nil)
	return n, err == nil
}

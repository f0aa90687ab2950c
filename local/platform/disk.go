package platform

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// diskNeeded is the free space below which nothing is started: etcd allocates its log in pieces of 64 MiB.
const diskNeeded = 128 << 20

// checkDisk returns an error when the folder's disk has too little space, or the folder cannot be written.
func checkDisk(dir string) error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return fmt.Errorf("look at the disk of %s: %w", dir, err)
	}
	if free := fs.Bavail * uint64(fs.Bsize); free < diskNeeded { //nolint:gosec // block sizes are positive
		return fmt.Errorf("the disk of %s has %d MiB free, the platform needs %d: make room, or use another folder by --dir", dir, free>>20, diskNeeded>>20)
	}
	probe := filepath.Join(dir, ".writable")
	if err := os.WriteFile(probe, nil, 0o600); err != nil {
		return fmt.Errorf("write into the data folder: %w", err)
	}
	return os.Remove(probe)
}

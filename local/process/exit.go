package process

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// tailSize is how much of the log is searched for the reason of a death.
const tailSize = 16 << 10

// describe tells how a process ended and, when its log since the offset names one of the known reasons, why.
func describe(err error, logFile string, from int64) string {
	text := "ended by itself"
	if err != nil {
		text = err.Error()
	}
	reason := reasonIn(tail(logFile, from))
	if reason == "" && full(filepath.Dir(logFile)) {
		// Then the log could not be written either.
		reason = reasonDiskFull
	}
	if reason != "" {
		text += ": " + reason
	}
	return text
}

const reasonDiskFull = "the disk is full"

// full reports whether the folder's disk has no room for even a few pages.
func full(dir string) bool {
	var fs syscall.Statfs_t
	return syscall.Statfs(dir, &fs) == nil && fs.Bavail*uint64(fs.Bsize) < 1<<20 //nolint:gosec // block sizes are positive
}

func reasonIn(log string) string {
	for _, known := range []struct{ find, say string }{
		{"no space left on device", reasonDiskFull},
		{"disk quota exceeded", "the disk quota is used up"},
		{"address already in use", "its address is already in use"},
		{"too many open files", "too many open files (see ulimit -n)"},
		{"cannot allocate memory", "out of memory"},
	} {
		if strings.Contains(log, known.find) {
			return known.say
		}
	}
	return ""
}

// tail returns the end of what was written to the file since the offset.
func tail(file string, from int64) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return ""
	}
	if _, err := f.Seek(max(min(from, size), size-tailSize), io.SeekStart); err != nil {
		return ""
	}
	text, _ := io.ReadAll(io.LimitReader(f, tailSize)) // what could be read is better than nothing
	return string(text)
}

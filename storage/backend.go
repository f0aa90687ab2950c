package storage

import (
	"context"
	"errors"
	"io"
	"os"
	"time"
)

// ErrNotFound is what a Backend returns for an archive that is not there.
var ErrNotFound = errors.New("archive not found")

// Archive is what is known of an archive without reading it.
type Archive struct {
	// ID is the lower-case hexadecimal SHA-256 of the archive.
	ID   string
	Size int64
	// Modified is when it was uploaded last.
	Modified time.Time
}

// Content is an open archive.
type Content interface {
	io.ReadSeekCloser
}

// Backend keeps archives. It is safe for concurrent use.
type Backend interface {
	// Put keeps the file's content as the archive, whose content it is. It may take the file away. An archive that is
	// there already counts as uploaded now.
	Put(ctx context.Context, id string, file *os.File) error
	// Touch makes an archive count as uploaded now, or returns ErrNotFound.
	Touch(ctx context.Context, id string) error
	// Open returns an archive's content, or ErrNotFound.
	Open(ctx context.Context, id string) (Content, Archive, error)
	// Stat returns what is known of an archive, or ErrNotFound.
	Stat(ctx context.Context, id string) (Archive, error)
	// List calls yield for every archive.
	List(ctx context.Context, yield func(Archive)) error
	// Delete deletes an archive if it was not uploaded after the time, or returns ErrNotFound.
	Delete(ctx context.Context, id string, notAfter time.Time) error
	// Kind is what Fission's clients are told: "local" or "s3", and the bucket.
	Kind() (kind, bucket string)
}

// validID reports whether id has the form of a SHA-256. Everything else is no name for a file.
func validID(id string) bool {
	if len(id) != 64 {
		return false
	}
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

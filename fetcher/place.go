package fetcher

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"

	"hotpod.dev/wire"
)

// Names on the code volume. Runtimes know the first two.
const (
	archiveName = "deployarchive" // code of environments of version 2 and later, a file or a folder
	singleName  = "user"          // code of environments of version 1
	workName    = ".hotpod-work"  // where code is put together before it gets its name
)

func codeName(envVersion int) string {
	if envVersion == 1 {
		return singleName
	}
	return archiveName
}

// placeCode puts code on the volume under name and returns its path. The name appears only when the code is
// complete.
func (s *Server) placeCode(ctx context.Context, code wire.Code, name string) (string, error) {
	work := filepath.Join(s.cfg.CodeDir, workName)
	defer func() { _ = os.RemoveAll(work) }()
	ready, err := s.complete(ctx, code, work)
	if err != nil {
		return "", err
	}
	target := filepath.Join(s.cfg.CodeDir, name)
	if err := os.Rename(ready, target); err != nil {
		return "", onDisk(err, "give the code its name")
	}
	return target, nil
}

// complete makes the file or folder that code becomes, as work or in it, and returns its path.
func (s *Server) complete(ctx context.Context, code wire.Code, work string) (string, error) {
	switch {
	case len(code.Literal) > 0:
		return s.completeLiteral(ctx, code, work)
	case code.URL == "":
		return "", theirs("the package holds no code; upload some with `hotpod package update --code`")
	}
	if err := makeWork(work); err != nil {
		return "", err
	}
	archive, err := s.download(ctx, code, filepath.Join(work, "archive"))
	if err != nil {
		return "", err
	}
	defer func() { _ = archive.file.Close() }()
	if code.KeepArchive || !packed(archive) {
		return archive.file.Name(), nil
	}
	return unpack(ctx, archive, filepath.Join(work, "tree"), s.cfg.Limits)
}

// completeLiteral is the way of nearly every cold start: a single file is written as it is, with no step between.
func (s *Server) completeLiteral(ctx context.Context, code wire.Code, work string) (string, error) {
	if code.Digest != "" {
		sum := sha256.Sum256(code.Literal)
		if err := checkDigest(code, sum[:]); err != nil {
			return "", err
		}
	}
	archive := &archive{ReaderAt: bytes.NewReader(code.Literal), size: int64(len(code.Literal))}
	if code.KeepArchive || !packed(archive) {
		if err := os.WriteFile(work, code.Literal, 0o644); err != nil { //nolint:gosec // the runtime, another user, reads it
			return "", onDisk(err, "write the code")
		}
		return work, nil
	}
	if err := makeWork(work); err != nil {
		return "", err
	}
	return unpack(ctx, archive, filepath.Join(work, "tree"), s.cfg.Limits)
}

func makeWork(work string) error {
	if err := os.Mkdir(work, 0o755); err != nil { //nolint:gosec // the runtime, another user, reads what gets out of it
		return onDisk(err, "make a folder for the code")
	}
	return nil
}

// archive is an archive whose digest was checked, in memory or on disk.
type archive struct {
	io.ReaderAt
	size int64
	// file is where the archive lies on disk, nil for one in memory.
	file *os.File
}

// checkDigest compares an archive's SHA-256 with the one that the package names, if it does.
func checkDigest(code wire.Code, sum []byte) error {
	if got := hex.EncodeToString(sum); code.Digest != "" && !strings.EqualFold(code.Digest, got) {
		return theirs("the archive's sha256 is %s, but its package says %s; "+
			"was it replaced without updating the package's checksum?", got, code.Digest)
	}
	return nil
}

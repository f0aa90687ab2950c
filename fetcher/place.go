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
	if err := os.Mkdir(work, 0o755); err != nil { //nolint:gosec // the runtime, another user, reads it
		return "", onDisk(err, "make a folder for the code")
	}
	defer func() { _ = os.RemoveAll(work) }()
	archive, err := s.archive(ctx, code, filepath.Join(work, "archive"))
	if err != nil {
		return "", err
	}
	defer archive.close()
	ready, err := s.unfold(ctx, archive, code.KeepArchive, work)
	if err != nil {
		return "", err
	}
	target := filepath.Join(s.cfg.CodeDir, name)
	if err := os.Rename(ready, target); err != nil {
		return "", onDisk(err, "give the code its name")
	}
	return target, nil
}

// archive is an archive whose digest was checked, in memory or on disk.
type archive struct {
	io.ReaderAt
	size int64
	// file is where the archive lies on disk, nil for one in memory.
	file *os.File
}

func (a *archive) close() {
	if a.file != nil {
		_ = a.file.Close()
	}
}

// archive gets the archive of code, at path if it has to be stored.
func (s *Server) archive(ctx context.Context, code wire.Code, path string) (*archive, error) {
	switch {
	case len(code.Literal) > 0:
		sum := sha256.Sum256(code.Literal)
		if err := checkDigest(code, sum[:]); err != nil {
			return nil, err
		}
		return &archive{ReaderAt: bytes.NewReader(code.Literal), size: int64(len(code.Literal))}, nil
	case code.URL != "":
		return s.download(ctx, code, path)
	default:
		return nil, theirs("the package holds no code; upload some with `hotpod package update --code`")
	}
}

// unfold unpacks what is packed into a folder in work, or makes a single file of the rest, and returns its path.
func (s *Server) unfold(ctx context.Context, a *archive, keep bool, work string) (string, error) {
	if !keep {
		tree := filepath.Join(work, "tree")
		if done, err := unpack(ctx, a, tree, s.cfg.Limits); done || err != nil {
			return tree, err
		}
	}
	if a.file != nil {
		return a.file.Name(), nil
	}
	path := filepath.Join(work, "archive")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644) //nolint:gosec // the runtime, another user, reads it
	if err != nil {
		return "", onDisk(err, "write the code")
	}
	_, err = io.Copy(f, io.NewSectionReader(a, 0, a.size))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return "", onDisk(err, "write the code")
	}
	return path, nil
}

// checkDigest compares an archive's SHA-256 with the one that the package names, if it does.
func checkDigest(code wire.Code, sum []byte) error {
	if got := hex.EncodeToString(sum); code.Digest != "" && !strings.EqualFold(code.Digest, got) {
		return theirs("the archive's sha256 is %s, but its package says %s; "+
			"was it replaced without updating the package's checksum?", got, code.Digest)
	}
	return nil
}

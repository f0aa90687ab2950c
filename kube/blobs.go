package kube

import (
	"cmp"
	"container/list"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// blobs keeps byte strings in a folder, named by their SHA-256, within a bound: what was not used for longest goes
// first. It is safe for concurrent use by one process.
type blobs struct {
	dir string
	max int64

	mu    sync.Mutex // guards all below
	bytes int64
	order *list.List // of blob, the one used last in front
	index map[string]*list.Element
}

type blob struct {
	digest string
	size   int64
}

const partial = ".partial"

// openBlobs takes over what an earlier process left in dir.
func openBlobs(dir string, limit int64) (*blobs, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of code: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read the folder of code: %w", err)
	}
	b := &blobs{dir: dir, max: limit, order: list.New(), index: map[string]*list.Element{}}
	var infos []fs.FileInfo
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), partial) {
			_ = os.Remove(filepath.Join(dir, e.Name())) // of a process that died while writing
		} else if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			infos = append(infos, info)
		}
	}
	slices.SortFunc(infos, func(x, y fs.FileInfo) int { return cmp.Compare(x.ModTime().UnixNano(), y.ModTime().UnixNano()) })
	for _, info := range infos {
		b.add(info.Name(), info.Size())
	}
	return b, nil
}

// put keeps data under its digest.
func (b *blobs) put(digest string, data []byte) error {
	if b.touch(digest) || int64(len(data)) > b.max {
		return nil
	}
	f, err := os.CreateTemp(b.dir, "*"+partial)
	if err != nil {
		return fmt.Errorf("keep code: %w", err)
	}
	_, err = f.Write(data)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(b.dir, digest))
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("keep code: %w", err)
	}
	b.add(digest, int64(len(data)))
	return nil
}

// get returns what has the digest; a file that was damaged or removed is not there.
func (b *blobs) get(digest string) ([]byte, bool) {
	if !b.touch(digest) {
		return nil, false
	}
	data, err := os.ReadFile(filepath.Join(b.dir, digest))
	if err != nil || digestOf(data) != digest {
		b.forget(digest)
		return nil, false
	}
	return data, true
}

// touch marks digest as used last.
func (b *blobs) touch(digest string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.index[digest]
	if ok {
		b.order.MoveToFront(e)
	}
	return ok
}

func (b *blobs) add(digest string, size int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.index[digest]; ok {
		return
	}
	b.index[digest] = b.order.PushFront(blob{digest, size})
	b.bytes += size
	for b.bytes > b.max {
		b.drop(b.order.Back())
	}
}

func (b *blobs) forget(digest string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e, ok := b.index[digest]; ok {
		b.drop(e)
	}
}

// drop is called with the lock held.
func (b *blobs) drop(e *list.Element) {
	gone, _ := b.order.Remove(e).(blob)
	delete(b.index, gone.digest)
	b.bytes -= gone.size
	_ = os.Remove(filepath.Join(b.dir, gone.digest)) // a file that stays is found again at the next start
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

package storage

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
)

// usage knows the size of every archive.
type usage struct {
	config Config
	spool  *spool

	mu    sync.Mutex // guards below
	sizes map[string]int64
}

// count takes what the backend has.
func (u *usage) count(ctx context.Context) error {
	sizes := map[string]int64{}
	if err := u.config.Backend.List(ctx, func(a Archive) { sizes[a.ID] = a.Size }); err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sizes = sizes
	return nil
}

func (u *usage) add(id string, size int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sizes[id] = size
}

func (u *usage) remove(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.sizes, id)
}

// total returns the number of archives and their bytes.
func (u *usage) total() (archives int, bytes int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for size := range maps.Values(u.sizes) {
		bytes += size
	}
	return len(u.sizes), bytes
}

// admit refuses an upload that has no room, before it begins.
func (u *usage) admit(c *caller, size int64) error {
	if size > c.max {
		return faultf(http.StatusRequestEntityTooLarge, "the archive has %d bytes, allowed are %d", size, c.max)
	}
	_, bytes := u.total()
	if u.config.MaxTotal > 0 && bytes+u.spool.bytes()+size > u.config.MaxTotal {
		return faultf(http.StatusInsufficientStorage, "the archive store is full: it holds %d of %d bytes, the archive needs %d; "+
			"delete packages that nobody uses (hotpod package list --orphan)", bytes, u.config.MaxTotal, size)
	}
	return nil
}

// settle refuses an archive that is too much for its namespace, or for all. One that is here already takes no room of
// the whole; for the namespace it counts, unless it is one of its own.
func (u *usage) settle(c *caller, id string, size int64) error {
	if size > c.max {
		return faultf(http.StatusRequestEntityTooLarge, "the archive has %d bytes, allowed are %d", size, c.max)
	}
	u.mu.Lock()
	_, here := u.sizes[id]
	u.mu.Unlock()
	_, bytes := u.total()
	if !here && u.config.MaxTotal > 0 && bytes+size > u.config.MaxTotal {
		return faultf(http.StatusInsufficientStorage, "the archive store is full: it holds %d of %d bytes", bytes, u.config.MaxTotal)
	}
	if u.config.MaxNamespace == 0 || c.namespace == "" || u.config.References == nil {
		return nil
	}
	refs, ok := u.config.References()
	if held := u.held(refs, c.namespace, id); ok && held+size > u.config.MaxNamespace {
		return faultf(http.StatusInsufficientStorage, "packages of namespace %s hold %d of %d bytes, the archive needs %d; "+
			"delete some that are not used (hotpod package list --orphan)", c.namespace, held, u.config.MaxNamespace, size)
	}
	return nil
}

// held is the size of what packages of a namespace name, but for one archive.
func (u *usage) held(refs map[string][]string, namespace, except string) (bytes int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for id, namespaces := range refs {
		if id != except && slices.Contains(namespaces, namespace) {
			bytes += u.sizes[id]
		}
	}
	return bytes
}

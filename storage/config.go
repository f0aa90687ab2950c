package storage

import (
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hotpod.dev/sign"
	"hotpod.dev/storage/image"
)

// Keys are what calls may be signed with.
type Keys struct {
	// URLs checks signed URLs; nil refuses all of them.
	URLs *sign.ArchiveVerifier
	// Control checks control calls of the platform's parts; nil refuses all of them.
	Control *sign.Verifier
	// Masters are shared secrets, the newest first. None means that calls need not be signed, unless RequireAuth; an
	// empty one signs nothing.
	Masters [][]byte
}

// Config is what a Server needs. Defaults fills what has a default.
type Config struct {
	// Backend keeps the archives. It is needed.
	Backend Backend
	// Spool is a folder of the server's own for uploads that are not complete. It is needed.
	Spool string
	// Keys returns what calls may be signed with now; nil means nothing.
	Keys func() Keys
	// RequireAuth refuses unsigned calls also while there is no shared secret.
	RequireAuth bool

	// MaxArchive bounds one archive, MaxNamespace what a namespace's packages name, MaxTotal everything; in bytes, 0 is
	// no bound for the last two.
	MaxArchive, MaxNamespace, MaxTotal int64

	// References returns the namespaces whose packages name each archive; ok is false while that is not known. Without
	// it nothing is pruned, and namespaces have no bound.
	References func() (refs map[string][]string, ok bool)
	// PruneInterval is the time between two looks for archives that no package names; 0 never looks.
	PruneInterval time.Duration
	// Grace is how long an archive stays that no package names, and an upload that does not go on.
	Grace time.Duration

	// Log is needed.
	Log *slog.Logger
	// Registerer gets the metrics; nil means none.
	Registerer prometheus.Registerer
}

// DefaultMaxArchive is the largest archive that fetchers take by default.
const DefaultMaxArchive = image.MaxArchive

// defaults fills what was left out.
func (c Config) defaults() Config {
	if c.Keys == nil {
		c.Keys = func() Keys { return Keys{} }
	}
	if c.MaxArchive == 0 {
		c.MaxArchive = DefaultMaxArchive
	}
	if c.Grace == 0 {
		c.Grace = time.Hour
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
	return c
}

func (c Config) validate() error {
	var errs []error
	if c.Backend == nil || c.Spool == "" || c.Log == nil {
		errs = append(errs, errors.New("backend, spool and log are needed"))
	}
	if c.MaxArchive < 0 || c.MaxNamespace < 0 || c.MaxTotal < 0 {
		errs = append(errs, errors.New("a bound is negative"))
	}
	return errors.Join(errs...)
}

package xds

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hotpod.dev/wire"
)

// Config says how Envoys serve. Its zero value is not usable: see Validate.
type Config struct {
	// Public and Internal are the addresses that Envoy's listeners bind, "ip:port", each at least one.
	Public, Internal []string
	// Services is the same for the listener of functions' Services; none means that functions have no Services.
	Services []string
	// ReplayLimit is the largest request body in bytes that Envoy keeps for a replay; 0 means wire.DefaultReplayLimit.
	ReplayLimit int64
	// AccessLog makes Envoy log each request to its standard output.
	AccessLog bool
	// Timelines, when not nil, makes Envoys tell of requests that failed, were slow or are traced, and keeps them.
	Timelines Timelines
	// Slow is the time from which on a request counts as slow; 0 means 1 s.
	Slow time.Duration
	// Version is told to clients who ask for it.
	Version string
	// Tracing, when it has an endpoint, makes Envoy send spans.
	Tracing Tracing

	// Announce is called when an Envoy waits for the cluster of a function that has no hot pod: a request for it is on
	// its way to an activator. It must not wait. nil tells nobody.
	Announce func(wire.FunctionID)

	// Log receives changes of state. It must not be nil.
	Log *slog.Logger
	// Registerer takes the metrics; nil means none.
	Registerer prometheus.Registerer

	// Patience is how long a state that is likely to pass (no Envoy, not yet acknowledged) lasts before it is
	// published; 0 means 2 s.
	Patience time.Duration

	// shareFrom is the number of plain paths from which on a table gives them one route; 0 means usualShare.
	shareFrom int
}

// Validate returns every fault of the configuration.
func (c Config) Validate() error {
	errs := []error{addresses("public", c.Public), addresses("internal", c.Internal)}
	if len(c.Services) > 0 {
		errs = append(errs, addresses("services", c.Services))
	}
	if c.Log == nil {
		errs = append(errs, errors.New("no logger"))
	}
	if c.ReplayLimit < 0 {
		errs = append(errs, fmt.Errorf("replay limit %d is negative", c.ReplayLimit))
	}
	if c.Slow < 0 || c.Slow > 24*time.Hour {
		errs = append(errs, fmt.Errorf("a request that is slow after %s: want more than 0 and no more than a day", c.Slow))
	}
	return errors.Join(append(errs, c.Tracing.validate())...)
}

func addresses(name string, list []string) error {
	if len(list) == 0 {
		return fmt.Errorf("no %s address for Envoy to listen on", name)
	}
	var errs []error
	for _, a := range list {
		if _, err := netip.ParseAddrPort(a); err != nil {
			errs = append(errs, fmt.Errorf("%s address %q is not ip:port", name, a))
		}
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.ReplayLimit == 0 {
		c.ReplayLimit = wire.DefaultReplayLimit
	}
	if c.Slow == 0 {
		c.Slow = time.Second
	}
	if c.Patience == 0 {
		c.Patience = 2 * time.Second
	}
	if c.shareFrom == 0 {
		c.shareFrom = usualShare
	}
	if c.AccessLog {
		c.shareFrom = math.MaxInt // the log names the route of each request
	}
	return c
}

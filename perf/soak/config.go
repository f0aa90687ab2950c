package soak

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"time"
)

// Config says how to soak.
type Config struct {
	// For is the length of the load; on a cluster it lasts at least so long.
	For time.Duration
	// Seed makes the order of events; 0 takes one from the clock.
	Seed uint64
	// Peak is the number of pods that one function is scaled up to.
	Peak int
	// Pause is the time between two events.
	Pause time.Duration
	// Only keeps the events whose names match; nil means all.
	Only *regexp.Regexp
	// Programs is the folder of hotpod-local and of the parts.
	Programs string
	// Dir is the data folder of a running platform; empty starts one in a temporary folder, with two Envoys.
	Dir string
	// Cluster is what is soaked instead of an embedded platform.
	Cluster *Cluster
	// Out receives the report for people, Log the progress. Neither may be nil.
	Out io.Writer
	Log *slog.Logger
}

// Validate returns every fault.
func (c Config) Validate() error {
	var errs []error
	if c.For < 5*time.Second {
		errs = append(errs, fmt.Errorf("a soak of %s says nothing: at least 5s", c.For))
	}
	if c.Peak < 1 || c.Peak > 200 {
		errs = append(errs, fmt.Errorf("a peak of %d pods is not between 1 and 200", c.Peak))
	}
	if c.Pause < 100*time.Millisecond {
		errs = append(errs, fmt.Errorf("a pause of %s between events is less than 100ms", c.Pause))
	}
	if c.Out == nil || c.Log == nil {
		errs = append(errs, errors.New("no writer or no logger"))
	}
	return errors.Join(errs...)
}

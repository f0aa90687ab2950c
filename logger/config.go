package logger

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hotpod.dev/logstore"
)

// Config is what a Follower needs.
type Config struct {
	Lines *logstore.Lines
	Logs  Opener
	// MaxStreams bounds the logs that are followed at once; those beyond are read from time to time. 0 means DefaultMaxStreams.
	MaxStreams int
	// Poll is the time between two readings of a log that is not followed, and Idle how long an entry may wait for further
	// lines that belong to it; 0 means the defaults.
	Poll, Idle time.Duration
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Defaults of Config.
const (
	DefaultMaxStreams = 2000
	defaultPoll       = 5 * time.Second
	defaultIdle       = 300 * time.Millisecond
)

const (
	// opening bounds the logs that are being opened, and polling those that are read from time to time at once.
	opening = 32
	polling = 16
	// farewell bounds how long the log of a pod is read on that is gone.
	farewell = 30 * time.Second
	// pauseFirst and pauseLast are between two tries to open a log.
	pauseFirst = 500 * time.Millisecond
	pauseLast  = 30 * time.Second
)

func (c *Config) fill() {
	if c.MaxStreams <= 0 {
		c.MaxStreams = DefaultMaxStreams
	}
	if c.Poll <= 0 {
		c.Poll = defaultPoll
	}
	if c.Idle <= 0 {
		c.Idle = defaultIdle
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

package perf

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"hotpod.dev/logger/client"
	"hotpod.dev/logline"
	"hotpod.dev/wire"
)

// LogsOptions say how much is written.
type LogsOptions struct {
	// Rate is in lines a second, of all Pods together.
	Rate, Pods int
	Duration   time.Duration
}

func (c *Config) logsFlags(fs *flag.FlagSet) {
	o := &c.Logs
	c.countFlag(fs, &o.Rate, "lines", 10_000, "logs: lines a second")
	c.countFlag(fs, &o.Pods, "writing-pods", 200, "logs: pods that write them")
	c.durationFlag(fs, &o.Duration, "writing", 20*time.Second, 10*time.Minute, "logs: how long they write")
}

const (
	loggerIP = "127.0.0.6"
	// logsCatchUp bounds how long the logger may take for what is left when nobody writes any more.
	logsCatchUp = time.Minute
	// logsLook is between two looks for what is stored: each takes processors from the logger.
	logsLook = 250 * time.Millisecond
)

// Logs measures the real logger with SQLite, that follows the logs of simulated pods through real HTTP streams: how many of the
// lines are stored when, and what that costs.
func Logs(ctx context.Context, c Config, r *Results, log *slog.Logger) error {
	dir, err := os.MkdirTemp("", "perf-logs-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	m := &logging{config: c, api: newLogServer(c.Logs), dir: dir, log: log}
	return m.run(ctx, r)
}

// logging is one measurement.
type logging struct {
	config Config
	api    *logServer
	dir    string
	log    *slog.Logger
}

func (m *logging) run(ctx context.Context, r *Results) error {
	stop, kubeconfig, err := m.api.serve(ctx, m.dir)
	if err != nil {
		return err
	}
	defer stop()
	logger, err := startChild(ctx, nil, filepath.Join(m.config.Programs, "logger"), "--address="+loggerIP, "--dir="+m.dir,
		"--kubeconfig="+kubeconfig, "--log-level=warn")
	if err != nil {
		return err
	}
	defer logger.stop()
	address := net.JoinHostPort(loggerIP, strconv.Itoa(wire.PortLogger))
	if _, err := logger.awaitListening(ctx, address); err != nil {
		return err
	}
	if err := m.api.awaitFollowed(ctx); err != nil {
		return fmt.Errorf("%w\n%s", err, logger.said.String())
	}
	pid := logger.cmd.Process.Pid
	before, err := processorTime(pid)
	if err != nil {
		return err
	}
	began := time.Now()
	written := m.api.write(ctx, m.config.Logs)
	ended := time.Now()
	stored, late, err := m.awaitStored(ctx, "http://"+address, written, ended)
	if err != nil {
		return err
	}
	after, err := processorTime(pid)
	if err != nil {
		return err
	}
	memory, err := memoryOf(pid)
	if err != nil {
		return err
	}
	m.report(r, outcomeOfLogs{
		rate: float64(written) / ended.Sub(began).Seconds(), missing: written - stored, late: late,
		processors: (after - before).Seconds() / ended.Sub(began).Seconds(), memory: memory,
	})
	return ctx.Err()
}

// outcomeOfLogs is what was measured.
type outcomeOfLogs struct {
	rate       float64
	missing    int
	late       time.Duration
	processors float64
	memory     memoryUse
}

func (m *logging) report(r *Results, o outcomeOfLogs) {
	row := Row{Scenario: "logs", Contestant: nameOurs, Parameters: map[string]string{
		"pods": strconv.Itoa(m.config.Logs.Pods), "lines": strconv.Itoa(m.config.Logs.Rate), "database": "sqlite",
	}}
	for _, v := range []struct {
		metric, unit string
		value        float64
	}{
		{"written", "lines/s", o.rate},
		{"missing", "lines", float64(o.missing)},
		{"behind", "ms", o.late.Seconds() * 1000},
		{"processors", "cores", o.processors},
		{"resident", "MiB", o.memory.resident},
		{"anonymous", "MiB", o.memory.anonymous},
	} {
		row.Metric, row.Unit = v.metric, v.unit
		r.Add(row, v.value)
	}
}

// awaitStored waits until every line can be asked for, and returns how many can and how long that took since then.
func (m *logging) awaitStored(ctx context.Context, url string, written int, since time.Time) (stored int, late time.Duration, err error) {
	c := client.Client{URL: url}
	for {
		// The last line of each pod says that those before it are stored: a stream keeps its order.
		last, err := c.Lines(ctx, logline.Query{Namespace: "default", RequestID: lastRequest})
		if err != nil {
			return 0, 0, err
		}
		late = time.Since(since)
		if len(last) >= m.config.Logs.Pods || late > logsCatchUp {
			lines, err := c.Lines(ctx, logline.Query{Namespace: "default"})
			return len(lines), late, err
		}
		select {
		case <-time.After(logsLook):
		case <-ctx.Done():
			return 0, 0, fmt.Errorf("wait for %d lines: %w", written, ctx.Err())
		}
	}
}

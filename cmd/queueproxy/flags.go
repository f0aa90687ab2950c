package main

import (
	"flag"
	"io"
	"log/slog"
	"net"
	"strconv"
	"time"

	"hotpod.dev/cmd/internal/envflag"
	"hotpod.dev/queueproxy"
	"hotpod.dev/wire"
)

// parse reads the flags; the default of each comes from the environment, as HOTPOD_<FLAG>.
func parse(args []string, getenv func(string) string, stderr io.Writer) (queueproxy.Config, slog.Level, error) {
	f := flag.NewFlagSet("queueproxy", flag.ContinueOnError)
	f.SetOutput(stderr)
	cfg := queueproxy.Config{}
	address := f.String("address", getenv("POD_IP"), "IP address to listen on; empty for all")
	f.StringVar(&cfg.RuntimeAddress, "runtime-address", net.JoinHostPort("127.0.0.1", strconv.Itoa(wire.PortRuntime)), "the runtime's host:port")
	f.StringVar(&cfg.PodUID, "pod-uid", getenv("POD_UID"), "UID of this pod")
	f.StringVar(&cfg.ControlKey, "control-key", "", "public key that control calls are signed for, in base64")
	f.Int64Var(&cfg.ReplayLimit, "replay-limit", wire.DefaultReplayLimit, "largest body in bytes that Envoy can replay")
	f.IntVar(&cfg.MaxWaiting, "max-waiting", 1000, "requests that may wait in the queue")
	f.DurationVar(&cfg.Grace, "grace", 85*time.Second, "longest time to drain after SIGTERM")
	f.DurationVar(&cfg.HookWait, "hook-wait", time.Second, "longest time after the drain to wait for the runtime's preStop hook")
	f.DurationVar(&cfg.Slow, "slow", queueproxy.DefaultSlow, "time from which on a request is told of as slow")
	var level slog.Level
	f.TextVar(&level, "log-level", slog.LevelWarn, "debug, info, warn or error")
	if err := envflag.Parse(f, args, getenv); err != nil {
		return cfg, level, err
	}
	cfg.RequestAddress = net.JoinHostPort(*address, strconv.Itoa(wire.PortRequests))
	cfg.ControlAddress = net.JoinHostPort(*address, strconv.Itoa(wire.PortQueueControl))
	return cfg, level, nil
}

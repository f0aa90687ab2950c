package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

// runEtcd serves one member until a signal ends it. It listens on a socket in the file system only, so that the
// owner of the directory is the one user who can reach it.
func runEtcd(args []string) error {
	flags := flag.NewFlagSet("etcd", flag.ContinueOnError)
	dir := flags.String("data-dir", "", "folder of the data")
	socket := flags.String("socket", "", "socket to listen on; a relative path is relative to the working directory")
	quota := flags.Int64("quota-backend-bytes", 8<<30, "size at which the database refuses writes")
	noSync := flags.Bool("unsafe-no-fsync", false, "do not wait for the disk: for tests whose data nobody needs after a crash")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *dir == "" || *socket == "" {
		return errors.New("etcd needs --data-dir and --socket")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cfg := etcdConfig(*dir, *socket)
	cfg.QuotaBackendBytes, cfg.UnsafeNoFsync = *quota, *noSync
	return serveEtcd(ctx, cfg)
}

func serveEtcd(ctx context.Context, cfg *embed.Config) error {
	e, err := embed.StartEtcd(cfg)
	if err != nil {
		return fmt.Errorf("start etcd: %w", err)
	}
	// Stop, not Close: it commits and ends in milliseconds, while Close waits seconds for clients that are gone.
	defer e.Server.Stop()
	select {
	case err := <-e.Err():
		return fmt.Errorf("serve etcd: %w", err)
	case <-e.Server.StopNotify():
		return errors.New("etcd stopped by itself")
	case <-ctx.Done():
		return nil
	}
}

// etcdConfig describes a cluster of one member. Nobody else votes, so the short election timeout only makes it ready
// sooner; peers are never listened for.
func etcdConfig(dir, socket string) *embed.Config {
	cfg := embed.NewConfig()
	cfg.Dir = dir
	client := url.URL{Scheme: "unix", Path: socket}
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	cfg.ListenPeerUrls = nil
	cfg.TickMs, cfg.ElectionMs = 20, 200
	cfg.EnableGRPCGateway = false
	cfg.LogLevel = "warn"
	cfg.CompactHashCheckTime = 24 * time.Hour
	return cfg
}

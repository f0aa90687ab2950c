package perf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// plainEnvoy is an Envoy with one static route: what the platform's path is compared with.
type plainEnvoy struct {
	address string
	cmd     *exec.Cmd
	dir     string
}

// plainConfig forwards every request to one address, without retries, timeouts or access log. The connection pool and
// the protocols are those of the platform's Envoy.
const plainConfig = `
admin: {address: {socket_address: {address: 127.0.0.1, port_value: ADMIN_PORT}}}
static_resources:
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: LISTENER_PORT}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: plain
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{match: {prefix: "/"}, route: {cluster: backend, timeout: 0s}}]
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
  clusters:
  - name: backend
    type: STATIC
    connect_timeout: 5s
    circuit_breakers: {thresholds: [{max_connections: 100000, max_pending_requests: 100000, max_requests: 100000}]}
    load_assignment:
      cluster_name: backend
      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: BACKEND_HOST, port_value: BACKEND_PORT}}}}]}]
`

// startEnvoy starts an Envoy with a configuration, plainConfig for one, in front of the backend and waits until it serves.
func startEnvoy(ctx context.Context, program, config, backend string) (*plainEnvoy, error) {
	host, port, err := net.SplitHostPort(backend)
	if err != nil {
		return nil, fmt.Errorf("address of the backend: %w", err)
	}
	ports, err := freePorts(ctx, 2)
	if err != nil {
		return nil, err
	}
	e := &plainEnvoy{address: "127.0.0.1:" + ports[0]}
	if e.dir, err = os.MkdirTemp("", "hotpod-perf-envoy-"); err != nil {
		return nil, fmt.Errorf("make a folder for Envoy: %w", err)
	}
	file := filepath.Join(e.dir, "envoy.yaml")
	config = strings.NewReplacer("LISTENER_PORT", ports[0], "ADMIN_PORT", ports[1], "BACKEND_HOST", host, "BACKEND_PORT", port).Replace(config)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, errors.Join(err, os.RemoveAll(e.dir))
	}
	return e, e.start(ctx, program, file)
}

func (e *plainEnvoy) start(ctx context.Context, program, file string) error {
	e.cmd = exec.CommandContext(ctx, program, "-c", file, "--disable-hot-restart", "-l", "error")
	e.cmd.Stdout, e.cmd.Stderr = io.Discard, os.Stderr // a pipe for an access log: see kourierConfig
	if err := e.cmd.Start(); err != nil {
		return errors.Join(fmt.Errorf("start Envoy: %w", err), os.RemoveAll(e.dir))
	}
	err := poll(ctx, "Envoy to listen", func() (bool, error) {
		err := reach(ctx, e.address)
		return err == nil, err
	})
	if err != nil {
		e.stop()
	}
	return err
}

// stop ends the process and removes its files.
func (e *plainEnvoy) stop() {
	_ = e.cmd.Process.Kill()
	_ = e.cmd.Wait()
	_ = os.RemoveAll(e.dir)
}

// freePorts returns ports of 127.0.0.1 that were free a moment ago.
func freePorts(ctx context.Context, n int) ([]string, error) {
	var ports []string
	for range n {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		ports = append(ports, port)
	}
	return ports, nil
}

// findEnvoy returns the Envoy that the person named, else the newest in the cache of make setup, else one on PATH.
func findEnvoy(named string) (string, error) {
	if named != "" {
		return named, nil
	}
	cache, err := os.UserCacheDir()
	if err == nil {
		found, _ := filepath.Glob(filepath.Join(cache, "hotpod", "envoy-*", "envoy"))
		if len(found) > 0 {
			return slices.Max(found), nil
		}
	}
	path, err := exec.LookPath("envoy")
	if err != nil {
		return "", fmt.Errorf("find Envoy (make setup, or --envoy): %w", err)
	}
	return path, nil
}

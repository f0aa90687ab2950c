package perf

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// knativeHeaders tell Knative's activator which revision a request is for; the names are those of perf/peers.
func knativeHeaders() []string {
	return []string{"Knative-Serving-Namespace: default", "Knative-Serving-Revision: hello"}
}

// launchKnativeQueue starts Knative's queue-proxy before a backend on 127.0.0.1. It listens on every address; its ports
// but the one for requests are fixed (8022, 9090).
func launchKnativeQueue(ctx context.Context, program, listen, backend string, limit int) (*child, error) {
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, err
	}
	host, userPort, err := net.SplitHostPort(backend)
	if err != nil {
		return nil, err
	}
	if host != "127.0.0.1" {
		return nil, fmt.Errorf("queue-proxy of Knative forwards to 127.0.0.1 only, not to %s", host)
	}
	return startChild(ctx, []string{
		"CONTAINER_CONCURRENCY=" + strconv.Itoa(limit),
		"QUEUE_SERVING_PORT=" + port, "QUEUE_SERVING_TLS_PORT=8112", "USER_PORT=" + userPort,
		"REVISION_TIMEOUT_SECONDS=300", "REVISION_RESPONSE_START_TIMEOUT_SECONDS=300", "REVISION_IDLE_TIMEOUT_SECONDS=0",
		"SERVING_LOGGING_CONFIG=", "SERVING_LOGGING_LEVEL=", "SERVING_NAMESPACE=default", "SERVING_CONFIGURATION=hello",
		"SERVING_REVISION=hello", "SERVING_SERVICE=hello", "SERVING_POD=hello-pod", "SERVING_POD_IP=127.0.0.1",
		fmt.Sprintf(`SERVING_READINESS_PROBE={"tcpSocket":{"port":%s,"host":"127.0.0.1"},"successThreshold":1}`, userPort),
	}, program)
}

// launchKnativeActivator starts Knative's activator with the settings of its Deployment.
func launchKnativeActivator(ctx context.Context, program, listen, control string, limit int) (*child, error) {
	return startChild(ctx, []string{"GOGC=500"}, program,
		"--listen="+listen, "--control="+control, "--limit="+strconv.Itoa(limit))
}

// setKnativeBackends tells the activator at control which pods are ready.
func setKnativeBackends(ctx context.Context, control string, backends []string) error {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	body := []byte(strings.Join(backends, "\n"))
	status, text, err := fetch(ctx, client, http.MethodPost, "http://"+control+"/backends", body)
	if err != nil {
		return fmt.Errorf("set the activator's backends: %w", err)
	}
	if status != http.StatusOK {
		return fmt.Errorf("set the activator's backends: status %d: %s", status, bytes.TrimSpace(text))
	}
	return nil
}

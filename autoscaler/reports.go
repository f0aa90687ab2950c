package autoscaler

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

const (
	// maxReport bounds a line in bytes: what a pod says is not trusted.
	maxReport = 32 << 10
	// headerWait bounds the wait for a stream to begin.
	headerWait = 5 * time.Second
)

// HTTPReports reads reports from the queue-proxies' control port. It is safe for concurrent use.
type HTTPReports struct {
	signer *sign.Signer
	client *http.Client
	port   string
}

// NewHTTPReports returns Reports whose calls are signed by signer.
func NewHTTPReports(signer *sign.Signer) *HTTPReports {
	// A stream is one connection for the pod's life: nothing to pool. The small buffers and the keep-alive probes,
	// which find pods that vanished without a word, count when there are thousands.
	dialer := &net.Dialer{Timeout: headerWait, KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 5 * time.Second, Interval: 5 * time.Second, Count: 3,
	}}
	return &HTTPReports{
		signer: signer,
		port:   strconv.Itoa(wire.PortQueueControl),
		client: &http.Client{Transport: &http.Transport{
			DialContext:           dialer.DialContext,
			DisableKeepAlives:     true,
			DisableCompression:    true,
			ResponseHeaderTimeout: headerWait,
			ReadBufferSize:        1 << 10,
			WriteBufferSize:       1 << 10,
		}},
	}
}

// Watch implements Reports.
func (h *HTTPReports) Watch(ctx context.Context, pod wire.HotPod, each func(wire.Report)) error {
	host, _, err := net.SplitHostPort(pod.Address)
	if err != nil {
		return fmt.Errorf("read address of pod %s: %w", pod.UID, err)
	}
	url := "http://" + net.JoinHostPort(host, h.port) + wire.PathReports
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("ask pod %s for reports: %w", pod.UID, err)
	}
	expires := time.Now().Add(sign.TTL)
	req.Header.Set(sign.Header, h.signer.Sign(pod.UID, http.MethodPost, wire.PathReports, nil, expires))
	res, err := h.client.Do(req)
	if err != nil {
		return fmt.Errorf("ask pod %s for reports: %w", pod.UID, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("ask pod %s for reports: status %d", pod.UID, res.StatusCode)
	}
	return read(pod, res.Body, each)
}

// read calls each for every line until the stream ends.
func read(pod wire.HotPod, body io.Reader, each func(wire.Report)) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 0, 1<<10), maxReport)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue
		}
		r, err := parseReport(lines.Bytes())
		if err != nil {
			return fmt.Errorf("read report of pod %s: %w", pod.UID, err)
		}
		each(r)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read reports of pod %s: %w", pod.UID, err)
	}
	return fmt.Errorf("read reports of pod %s: %w", pod.UID, io.ErrUnexpectedEOF)
}

package perf

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

const (
	// podUID is the pod that a queue-proxy of ours is told to be in.
	podUID = "perf-pod"
	// scrapeEvery is how often its metrics are read, as in a cluster.
	scrapeEvery = time.Second
)

// measuredFunction is the function that requests are for.
func measuredFunction() wire.FunctionID {
	return wire.FunctionID{Namespace: "default", Name: "hello", UID: "5d0a3c1e-9d6c-4c1b-8f43-0c1f3a7d2b10"}
}

// markers are the lines that Envoy and the activator put on a request for it. Whoever does not know them passes them on.
func markers() []string {
	return []string{wire.HeaderFunction + ": " + measuredFunction().String(), wire.HeaderWait + ": 60000"}
}

// ourQueueProxy is the shipped queue-proxy: assigned by a signed call, its reports read as the autoscaler does, its
// metrics scraped.
type ourQueueProxy struct {
	*child
	address string
	signer  *sign.Signer
	control string
	end     context.CancelFunc
	readers sync.WaitGroup
}

// launchQueueProxy starts one on an IP address of its own, without assigning it.
func launchQueueProxy(ctx context.Context, program, ip, runtime string) (*ourQueueProxy, error) {
	signer, err := sign.NewSigner(sign.GenerateSeed())
	if err != nil {
		return nil, err
	}
	q := &ourQueueProxy{
		signer:  signer,
		address: net.JoinHostPort(ip, strconv.Itoa(wire.PortRequests)),
		control: net.JoinHostPort(ip, strconv.Itoa(wire.PortQueueControl)),
		end:     func() {},
	}
	q.child, err = startChild(ctx, nil, program, "--address="+ip, "--runtime-address="+runtime,
		"--pod-uid="+podUID, "--control-key="+signer.PublicKey())
	return q, err
}

// assign gives it the function, and begins to read its reports and metrics.
func (q *ourQueueProxy) assign(ctx context.Context, limit int) error {
	if _, err := q.awaitListening(ctx, q.control); err != nil { // it listens to requests a moment before
		return err
	}
	ctx, q.end = context.WithCancel(ctx)
	body, err := json.Marshal(wire.Assignment{
		Held: wire.Held{Function: measuredFunction(), Generation: 1}, ResourceVersion: "1", Limit: limit,
		RunTimeoutMillis: 60_000, QueueTimeoutMillis: 60_000,
	})
	if err != nil {
		return err
	}
	res, err := q.call(ctx, wire.PathAssign, body)
	if err != nil {
		return fmt.Errorf("assign the queue-proxy: %w", err)
	}
	_ = res.Body.Close()
	res, err = q.call(ctx, wire.PathReports, nil)
	if err != nil {
		return fmt.Errorf("read the queue-proxy's reports: %w", err)
	}
	q.readers.Go(func() {
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	})
	q.readers.Go(func() { q.scrape(ctx) })
	return nil
}

// call makes a signed call and returns its answer, which must be a good one.
func (q *ourQueueProxy) call(ctx context.Context, path string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+q.control+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set(sign.Header, q.signer.Sign(podUID, http.MethodPost, path, body, time.Now().Add(sign.TTL)))
	res, err := (&http.Transport{}).RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		text, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		return nil, fmt.Errorf("status %d: %s", res.StatusCode, strings.TrimSpace(string(text)))
	}
	return res, nil
}

func (q *ourQueueProxy) scrape(ctx context.Context) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for pause(ctx, scrapeEvery) == nil {
		_, _, _ = fetch(ctx, client, http.MethodGet, "http://"+q.control+"/metrics", nil)
	}
}

// stop ends it and those who read from it.
func (q *ourQueueProxy) stop() {
	q.end()
	q.child.stop()
	q.readers.Wait()
}

package test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/rogpeppe/go-internal/testscript"

	"hotpod.dev/perf/probe"
)

// h2cCommand: h2c PATH BYTES sends a request over HTTP/2 without TLS to a probe's /copy, and checks that the body comes
// back while it is sent, whole, with its sum in the trailer.
func h2cCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("h2c: PATH BYTES")
	}
	size, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(copyBothWays("http://"+ts.Getenv("FISSION_ROUTER")+args[0], bytes.Repeat([]byte("0123456789abcdef"), size/16)))
}

func overHTTP2() *http.Client {
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: &protocols}, Timeout: time.Minute}
}

// copyBothWays sends the second half of the body only when the first half has come back.
func copyBothWays(url string, body []byte) error {
	reader, writer := io.Pipe()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, reader)
	if err != nil {
		return err
	}
	half := len(body) / 2
	sent := make(chan error, 1)
	turn := make(chan struct{})
	go func() {
		_, err := writer.Write(body[:half])
		<-turn
		if err == nil {
			_, err = writer.Write(body[half:])
		}
		sent <- errors.Join(err, writer.Close())
	}()
	client := overHTTP2()
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		close(turn)
		return err
	}
	defer res.Body.Close()
	first := make([]byte, half)
	_, err = io.ReadFull(res.Body, first)
	close(turn)
	if err != nil || res.StatusCode != http.StatusOK || !bytes.Equal(first, body[:half]) {
		return fmt.Errorf("status %d, first half: %w", res.StatusCode, err)
	}
	rest, err := io.ReadAll(res.Body)
	if err = errors.Join(err, <-sent); err != nil || !bytes.Equal(rest, body[half:]) {
		return fmt.Errorf("%d of %d bytes of the second half: %w", len(rest), len(body)-half, err)
	}
	sum := sha256.Sum256(body)
	if got := res.Trailer.Get(probe.TrailerSum); got != hex.EncodeToString(sum[:]) || res.ProtoMajor != 2 {
		return fmt.Errorf("%s, trailers %v", res.Proto, res.Trailer)
	}
	return nil
}

// websocketCommand: websocket PATH N opens a WebSocket to a probe's /ws, sends N messages, each after the last was
// answered, and closes it.
func websocketCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("websocket: PATH N")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	conn, res, err := (&websocket.Dialer{HandshakeTimeout: time.Minute}).Dial("ws://"+ts.Getenv("FISSION_ROUTER")+args[0], nil) //nolint:bodyclose // the library keeps a copy
	if err != nil {
		ts.Fatalf("upgrade: %v (%+v)", err, res)
	}
	defer conn.Close()
	for i := range n {
		ts.Check(conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, "message %d", i)))
		_, got, err := conn.ReadMessage()
		ts.Check(err)
		if want := fmt.Sprintf("1 message %d", i); string(got) != want {
			ts.Fatalf("got %q, want %q", got, want)
		}
		time.Sleep(50 * time.Millisecond)
	}
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	ts.Check(conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(time.Second)))
	if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		ts.Fatalf("no goodbye: %v", err)
	}
}

// crowdCommand: crowd CLIENTS DURATION RATIO PATH [h2c] calls PATH with so many clients at once, each again as soon as
// it has its answer, and fails when an answer is not 200 or took more than RATIO times the median.
func crowdCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("crowd: CLIENTS DURATION RATIO PATH [h2c]")
	}
	clients, err := strconv.Atoi(args[0])
	ts.Check(err)
	length, err := time.ParseDuration(args[1])
	ts.Check(err)
	ratio, err := strconv.ParseFloat(args[2], 64)
	ts.Check(err)
	with := client
	if len(args) > 4 && args[4] == "h2c" {
		with = overHTTP2()
	}
	took, failures := crowd(with, "http://"+ts.Getenv("FISSION_ROUTER")+args[3], clients, length)
	if len(failures) > 0 {
		ts.Fatalf("%d of %d failed, one with: %s", len(failures), len(took)+len(failures), failures[0])
	}
	slices.Sort(took)
	median, longest := took[len(took)/2], took[len(took)-1]
	ts.Logf("%d answers, median %s, longest %s", len(took), median, longest)
	if float64(longest) > ratio*float64(median) {
		ts.Fatalf("an answer took %s, more than %g times the median of %s", longest, ratio, median)
	}
}

func crowd(with *http.Client, url string, clients int, length time.Duration) (took []time.Duration, failures []string) {
	var mu sync.Mutex
	var all sync.WaitGroup
	end := time.Now().Add(length)
	for range clients {
		all.Go(func() {
			for time.Now().Before(end) {
				begin := time.Now()
				fault := once(with, url)
				mu.Lock()
				if fault == "" {
					took = append(took, time.Since(begin))
				} else {
					failures = append(failures, fault)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return took, failures
}

func once(with *http.Client, url string) string {
	res, err := with.Get(url)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(body), `"version":1`) {
		return fmt.Sprintf("%d %.200s %v", res.StatusCode, body, err)
	}
	return ""
}

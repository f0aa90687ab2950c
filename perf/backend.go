package perf

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
)

// backend is the trivial function behind every contestant: it answers a request with as many bytes as its body had, and
// one without a body with a word. It knows HTTP/1.1 with keep-alive and what Knative's activator asks of a pod.
type backend struct {
	// arrived, if set, is told the number that a request carries, before it is answered.
	arrived func(number int)

	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

const (
	backendWord = "hello\n"
	// backendLimit bounds the bodies that it answers with.
	backendLimit = 1 << 20
	// headerNumber numbers a request for backend.arrived.
	headerNumber = "x-perf-number"
)

// Backend serves as the trivial function on some addresses until ctx ends.
func Backend(ctx context.Context, addresses ...string) error {
	stop, err := runBackendHere(ctx, &backend{}, addresses...)
	if err != nil {
		return err
	}
	<-ctx.Done()
	stop()
	return nil
}

// serve accepts connections until ctx ends, and closes them then.
func (b *backend) serve(ctx context.Context, lis net.Listener) {
	stop := context.AfterFunc(ctx, func() { _ = lis.Close() })
	defer stop()
	var running sync.WaitGroup
	for {
		conn, err := lis.Accept()
		if err != nil {
			break
		}
		b.keep(conn)
		running.Go(func() {
			_ = b.converse(conn)
			b.drop(conn)
		})
	}
	b.mu.Lock()
	for conn := range b.conns {
		_ = conn.Close()
	}
	b.mu.Unlock()
	running.Wait()
}

func (b *backend) keep(conn net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conns == nil {
		b.conns = map[net.Conn]struct{}{}
	}
	b.conns[conn] = struct{}{}
}

func (b *backend) drop(conn net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.conns, conn)
	_ = conn.Close()
}

// converse answers the requests of one connection.
func (b *backend) converse(conn net.Conn) error {
	r := bufio.NewReaderSize(conn, 32<<10)
	filler := bytes.Repeat([]byte("x"), 4<<10)
	answer := make([]byte, 0, 8<<10)
	for {
		ask, err := readAsk(r)
		if err != nil {
			return err
		}
		if b.arrived != nil && ask.number >= 0 {
			b.arrived(ask.number)
		}
		answer = ask.answer(answer[:0], filler)
		if _, err := conn.Write(answer); err != nil {
			return err
		}
	}
}

// ask is a request as far as the backend cares.
type ask struct {
	body   int64
	number int
	probe  bool
}

// readAsk reads a request with its body.
func readAsk(r *bufio.Reader) (ask, error) {
	a := ask{number: -1}
	if _, err := readLine(r); err != nil {
		return a, err
	}
	var f framing
	for {
		line, err := readLine(r)
		if err != nil {
			return a, err
		}
		if len(line) == 0 {
			break
		}
		if err := a.header(&f, line); err != nil {
			return a, err
		}
	}
	body, err := f.consume(r)
	a.body = body
	if err == nil && body > backendLimit {
		err = errors.New("body too long for the backend")
	}
	return a, err
}

func (a *ask) header(f *framing, line []byte) error {
	const number, probe = headerNumber + ":", "k-network-probe:"
	switch {
	case len(line) > len(number) && strings.EqualFold(string(line[:len(number)]), number):
		n, err := strconv.Atoi(strings.TrimSpace(string(line[len(number):])))
		a.number = n
		return err
	case len(line) > len(probe) && strings.EqualFold(string(line[:len(probe)]), probe):
		a.probe = true
	}
	return f.header(line)
}

// answer appends the whole answer to a buffer.
func (a *ask) answer(out, filler []byte) []byte {
	body := []byte(backendWord)
	switch {
	case a.probe:
		body = []byte("queue") // what Knative's activator wants to hear from a pod
	case a.body > 0:
		body = nil
	}
	out = append(out, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: "...)
	out = strconv.AppendInt(out, max(a.body, int64(len(body))), 10)
	out = append(out, "\r\n\r\n"...)
	out = append(out, body...)
	for left := a.body; left > 0 && body == nil; left -= int64(len(filler)) {
		out = append(out, filler[:min(left, int64(len(filler)))]...)
	}
	return out
}

// runBackend starts a backend on some addresses: as a process of its own when self says how to start this program, else
// in this process.
func runBackend(ctx context.Context, self string, addresses ...string) (stop func(), err error) {
	if self == "" {
		return runBackendHere(ctx, &backend{}, addresses...)
	}
	c, err := startChild(ctx, os.Environ(), self, append([]string{BackendCommand}, addresses...)...)
	if err != nil {
		return nil, err
	}
	for _, address := range addresses {
		if _, err := c.awaitListening(ctx, address); err != nil {
			c.stop()
			return nil, err
		}
	}
	return c.stop, nil
}

// BackendCommand is the argument that makes the command perf the backend of the addresses that follow.
const BackendCommand = "backend"

// runBackendHere serves b in this process.
func runBackendHere(ctx context.Context, b *backend, addresses ...string) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	stop = func() { cancel(); running.Wait() }
	for _, address := range addresses {
		lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		if err != nil {
			stop()
			return nil, fmt.Errorf("listen as the backend: %w", err)
		}
		running.Go(func() { b.serve(ctx, lis) })
	}
	return stop, nil
}

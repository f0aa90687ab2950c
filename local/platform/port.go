package platform

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// port is a port of 127.0.0.1 that a program of the platform will listen on.
type port struct {
	number int
	// held keeps the port until that program starts.
	held net.Listener
	// claim is the UDP port of the same number, which nobody else here uses. It keeps other platforms from choosing the
	// port after held is closed, until this platform ends.
	claim net.PacketConn
}

// handOver frees the port for the program that is about to start.
func (p *port) handOver() {
	if p != nil && p.held != nil {
		_ = p.held.Close()
		p.held = nil
	}
}

// release gives the port up.
func (p *port) release() {
	if p == nil {
		return
	}
	p.handOver()
	_ = p.claim.Close()
}

// choosePort returns the port of 127.0.0.1 to use. A port that the person chose by the flag must be free; otherwise the
// usual one is tried, then the one of the last time, then any.
func choosePort(ctx context.Context, chosen int, flag string, last, usual int) (*port, error) {
	if chosen != 0 {
		p, err := takePort(ctx, chosen)
		if err != nil {
			return nil, fmt.Errorf("port %d of 127.0.0.1 cannot be used: %w: choose another by --%s, or leave the flag out to get a free one", chosen, err, flag)
		}
		return p, nil
	}
	for _, number := range []int{usual, last} {
		if number == 0 {
			continue
		}
		if p, err := takePort(ctx, number); err == nil {
			return p, nil
		}
	}
	return anyPort(ctx)
}

// anyTries is how often a free port is looked for whose UDP port is free too.
const anyTries = 16

func anyPort(ctx context.Context) (p *port, err error) {
	for range anyTries {
		if p, err = takePort(ctx, 0); err == nil {
			return p, nil
		}
	}
	return nil, fmt.Errorf("find a free port: %w", err)
}

// takePort takes a port, any for 0.
func takePort(ctx context.Context, number int) (*port, error) {
	held, err := listen(ctx, "127.0.0.1", number)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, errors.New("another program listens there")
	}
	if err != nil {
		return nil, err
	}
	p := &port{number: held.Addr().(*net.TCPAddr).Port, held: held}
	p.claim, err = (&net.ListenConfig{}).ListenPacket(ctx, "udp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p.number)))
	if err != nil {
		_ = held.Close()
		return nil, fmt.Errorf("another platform is about to listen there: %w", err)
	}
	return p, nil
}

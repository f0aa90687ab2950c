package proxy

import (
	"context"
	"fmt"
	"net"
	"syscall"

	"hotpod.dev/wire"
)

// Listen returns a listener whose connections take little of a body before it is read. See wire.KernelBuffer.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	c := net.ListenConfig{Control: bounded(syscall.SO_RCVBUF)}
	lis, err := c.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return lis, nil
}

// Dial connects to a Server that may refuse. It is for TargetConfig.Dial.
func Dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Control: bounded(syscall.SO_SNDBUF)}
	return d.DialContext(ctx, network, address)
}

// bounded sets one of a socket's buffers before it is connected: the window that is offered depends on it.
func bounded(option int) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) {
			failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, option, wire.KernelBuffer)
		})
		if err != nil {
			return err
		}
		return failed
	}
}

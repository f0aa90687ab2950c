package platform

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"strconv"
)

const (
	// claimPort of 127.N.0.1 is held by the platform that has the network.
	claimPort = 10248
	// streamPort of 127.N.0.1 serves logs, exec and port-forward to the API server.
	streamPort = 10250
	// Networks are searched between these; low numbers are left to other programs.
	firstNetwork, lastNetwork = 16, 239

	// The ports that people see, unless they are taken or others are chosen.
	defaultRouterPort    = 8888
	defaultAPIServerPort = 6443
)

// network is a claimed range 127.N.0.0/16.
type network struct {
	number int
	claim  net.Listener
}

// claimNetwork claims the preferred network when it is free, else one that follows from the folder's name.
func claimNetwork(ctx context.Context, preferred int, dir string) (*network, error) {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(dir)) // never fails
	span := lastNetwork - firstNetwork + 1
	first := firstNetwork + int(hash.Sum32()%uint32(span))
	if preferred >= firstNetwork && preferred <= lastNetwork {
		first = preferred
	}
	var last error
	for i := range span {
		n := firstNetwork + (first-firstNetwork+i)%span
		claim, err := listen(ctx, fmt.Sprintf("127.%d.0.1", n), claimPort)
		if err == nil {
			return &network{number: n, claim: claim}, nil
		}
		last = err
	}
	return nil, fmt.Errorf("claim a network 127.N.0.0/16 (all of %d to %d are taken): %w", firstNetwork, lastNetwork, last)
}

func (n *network) release() { _ = n.claim.Close() }

// cidr is the range that pods get addresses of.
func (n *network) cidr() netip.Prefix {
	return netip.PrefixFrom(n.address(0), 16)
}

// node is the node's own address.
func (n *network) node() netip.Addr { return n.address(1) }

func (n *network) address(last byte) netip.Addr {
	return netip.AddrFrom4([4]byte{127, byte(n.number), 0, last}) //nolint:gosec // at most lastNetwork
}

// stream is where the node serves logs, exec and port-forward.
func (n *network) stream() string {
	return net.JoinHostPort(n.node().String(), strconv.Itoa(streamPort))
}

// checkPodPorts returns an error when a program listens on all addresses at a port that every pod needs on its own.
func (n *network) checkPodPorts(ctx context.Context, ports []int) error {
	var errs []error
	for _, port := range ports {
		l, err := listen(ctx, n.node().String(), port)
		if err != nil {
			errs = append(errs, fmt.Errorf("port %d is taken on every address of this machine, but pods need it on theirs: stop the program that listens on 0.0.0.0:%d (see: ss -ltnp sport = :%d)", port, port, port))
			continue
		}
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

func listen(ctx context.Context, host string, port int) (net.Listener, error) {
	return (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
}

package feed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"google.golang.org/grpc"

	"hotpod.dev/shard"
)

// dialFirst connects to the first of the addresses, apart by commas, that takes a connection. Of replicas only the one
// that leads listens; where a name stands for several addresses, all of them are tried.
func dialFirst(ctx context.Context, addresses string) (net.Conn, error) {
	var d net.Dialer
	var errs []error
	for address := range strings.SplitSeq(addresses, ",") {
		conn, err := d.DialContext(ctx, "tcp", strings.TrimSpace(address))
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// splitShards splits the addresses of autoscalers that share the functions.
func splitShards(addresses string) []string { return strings.Split(addresses, ";") }

// DialShards is Dial for each shard, whose addresses are apart by semicolons, in their order.
func DialShards(addresses string, opts ...grpc.DialOption) ([]*grpc.ClientConn, error) {
	var conns []*grpc.ClientConn
	for _, one := range splitShards(addresses) {
		conn, err := Dial(one, opts...)
		if err != nil {
			for _, c := range conns {
				_ = c.Close()
			}
			return nil, err
		}
		conns = append(conns, conn)
	}
	return conns, nil
}

// CheckShards returns what is wrong with addresses for DialShards.
func CheckShards(addresses string) error {
	all := splitShards(addresses)
	if len(all) > shard.Most {
		return fmt.Errorf("%d shards are more than %d", len(all), shard.Most)
	}
	var errs []error
	for _, one := range all {
		errs = append(errs, CheckAddresses(one))
	}
	return errors.Join(errs...)
}

// CheckAddresses returns what is wrong with a list for Dial.
func CheckAddresses(addresses string) error {
	var errs []error
	for address := range strings.SplitSeq(addresses, ",") {
		if _, _, err := net.SplitHostPort(strings.TrimSpace(address)); err != nil {
			errs = append(errs, fmt.Errorf("%q is not host:port: %w", address, err))
		}
	}
	return errors.Join(errs...)
}

package feed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
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

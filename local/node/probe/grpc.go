package probe

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

// serving is grpc.health.v1.HealthCheckResponse with status SERVING: field 1, varint 1.
var serving = []byte{0x08, 0x01} //nolint:gochecknoglobals // a constant of the protocol

// health calls grpc.health.v1.Health/Check. The two messages are so small that
// they are written here instead of linking a gRPC client into the agent.
func health(ctx context.Context, action *corev1.GRPCAction, address string) error {
	service := ""
	if action.Service != nil {
		service = *action.Service
	}
	target := "http://" + net.JoinHostPort(address, strconv.Itoa(int(action.Port))) + "/grpc.health.v1.Health/Check"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(healthRequest(service)))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/grpc")
	request.Header.Set("Te", "trailers")
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return readHealth(response)
}

// healthRequest is a gRPC frame with HealthCheckRequest{service}.
func healthRequest(service string) []byte {
	var message []byte
	if service != "" {
		message = append([]byte{0x0a}, binary.AppendUvarint(nil, uint64(len(service)))...)
		message = append(message, service...)
	}
	frame := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))) //nolint:gosec // a name is short
	return append(frame, message...)
}

func readHealth(response *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil {
		return err
	}
	status := response.Trailer.Get("Grpc-Status")
	if status == "" {
		status = response.Header.Get("Grpc-Status")
	}
	if status != "0" {
		return fmt.Errorf("gRPC health check failed with status %q: %s", status, response.Trailer.Get("Grpc-Message"))
	}
	if len(body) < 5 || !bytes.Equal(body[5:], serving) {
		return errors.New("gRPC service is not serving")
	}
	return nil
}

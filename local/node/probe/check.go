package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// maxBody is how much of an answer is read, so that a connection can be used again.
const maxBody = 10 << 10

// Exec runs a command in the container and returns its exit code and what it wrote.
type Exec func(ctx context.Context, command []string) (code int, output string, err error)

// Target is what probes and hooks of one container are addressed to.
type Target struct {
	// Address is the pod's.
	Address string
	// Ports are the container's, by which names are resolved.
	Ports []corev1.ContainerPort
	Exec  Exec
}

// NewCheck returns the check that the handler asks for.
func NewCheck(h corev1.ProbeHandler, t Target) Check {
	switch {
	case h.HTTPGet != nil:
		return func(ctx context.Context) error { return HTTPGet(ctx, h.HTTPGet, t) }
	case h.TCPSocket != nil:
		return func(ctx context.Context) error { return dial(ctx, h.TCPSocket, t) }
	case h.GRPC != nil:
		return func(ctx context.Context) error { return health(ctx, h.GRPC, t.Address) }
	case h.Exec != nil:
		return func(ctx context.Context) error { return run(ctx, h.Exec.Command, t.Exec) }
	default:
		return func(context.Context) error { return errors.New("probe has no handler") }
	}
}

// HTTPGet asks a URL; statuses from 200 to 399 are good.
func HTTPGet(ctx context.Context, get *corev1.HTTPGetAction, t Target) error {
	request, err := newRequest(ctx, get, t)
	if err != nil {
		return err
	}
	response, err := httpClient().Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if response.StatusCode < 200 || response.StatusCode >= 400 {
		return fmt.Errorf("HTTP probe failed with statuscode: %d: %s", response.StatusCode, firstLine(string(body)))
	}
	return nil
}

func newRequest(ctx context.Context, get *corev1.HTTPGetAction, t Target) (*http.Request, error) {
	port, err := resolve(get.Port, t.Ports)
	if err != nil {
		return nil, err
	}
	host := get.Host
	if host == "" {
		host = t.Address
	}
	u, err := url.Parse(get.Path)
	if err != nil {
		return nil, fmt.Errorf("parse probe path: %w", err)
	}
	u.Scheme = "http"
	if get.Scheme != "" {
		u.Scheme = strings.ToLower(string(get.Scheme))
	}
	u.Host = net.JoinHostPort(host, strconv.Itoa(port))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "kube-probe/1.37")
	for _, h := range get.HTTPHeaders {
		request.Header.Add(h.Name, h.Value)
		if strings.EqualFold(h.Name, "Host") {
			request.Host = h.Value
		}
	}
	return request, nil
}

// httpClient makes a connection for each probe, so that none is kept open to a
// container that wants to end, and does not check certificates, as the kubelet.
func httpClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // a probe asks for life, not for identity
		},
		CheckRedirect: func(request *http.Request, via []*http.Request) error {
			if request.URL.Host != via[0].URL.Host || len(via) >= 10 {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
}

func dial(ctx context.Context, action *corev1.TCPSocketAction, t Target) error {
	port, err := resolve(action.Port, t.Ports)
	if err != nil {
		return err
	}
	host := action.Host
	if host == "" {
		host = t.Address
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return err
	}
	return conn.Close()
}

func run(ctx context.Context, command []string, exec Exec) error {
	code, output, err := exec(ctx, command)
	if err != nil {
		return fmt.Errorf("run probe command: %w", err)
	}
	if code != 0 {
		return fmt.Errorf("command exited with code %d: %s", code, firstLine(output))
	}
	return nil
}

// resolve finds a port by its number or by its name among the container's ports.
func resolve(port intstr.IntOrString, ports []corev1.ContainerPort) (int, error) {
	if port.Type == intstr.Int {
		return port.IntValue(), nil
	}
	for _, p := range ports {
		if p.Name == port.StrVal {
			return int(p.ContainerPort), nil
		}
	}
	if number, err := strconv.Atoi(port.StrVal); err == nil {
		return number, nil
	}
	return 0, fmt.Errorf("container has no port named %q", port.StrVal)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line[:min(len(line), 200)]
}

// Sleep waits as a lifecycle hook does.
func Sleep(ctx context.Context, seconds int64) error {
	if !sleep(ctx, time.Duration(seconds)*time.Second) {
		return ctx.Err()
	}
	return nil
}

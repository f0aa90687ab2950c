package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// callFlags are those of test.
type callFlags struct {
	name, body, subpath string
	methods             []string
	headers, query      []string
	timeout             time.Duration
}

func (a *app) functionTest() *cobra.Command {
	var f callFlags
	n := a.functions()
	cmd := &cobra.Command{
		Use: "test NAME", Short: "Call a function through the internal listener, no route needed", ValidArgsFunction: n.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom("function", args, f.name)
			if err != nil {
				return err
			}
			fn, err := n.get(cmd.Context(), name)
			if err != nil {
				return err
			}
			return a.call(cmd.Context(), fn, f)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.name, "name", "", "name")
	fs.StringSliceVar(&f.methods, "method", []string{"GET"}, "method")
	fs.StringVarP(&f.body, "body", "b", "", "request body; @FILE reads a file, - standard input")
	fs.StringArrayVarP(&f.headers, "header", "H", nil, "request header, 'Name: value'")
	fs.StringArrayVarP(&f.query, "query", "q", nil, "query parameter, key=value")
	fs.StringVar(&f.subpath, "subpath", "", "path below the function")
	fs.DurationVarP(&f.timeout, "timeout", "t", 60*time.Second, "time to wait for the answer")
	return cmd
}

// call sends the request and writes the body to standard output, the rest to standard error.
func (a *app) call(ctx context.Context, fn *v1.Function, f callFlags) error {
	base, stop, err := a.internalURL(ctx)
	if err != nil {
		return err
	}
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	req, err := a.request(ctx, base, fn, f)
	if err != nil {
		return err
	}
	if err := a.signCall(ctx, req); err != nil {
		return err
	}
	start := a.now()
	res, err := (&http.Client{Transport: &http.Transport{DisableCompression: true}}).Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return hint(fmt.Errorf("no router answers at %s", base), "hotpod local status", "kubectl get pods -A -l application=fission-router")
	}
	if err != nil {
		return hint(fmt.Errorf("call function %s: %w", fn.Name, err), "hotpod function describe "+fn.Name)
	}
	defer res.Body.Close()
	a.progress("%s  %s  request %s", res.Status, a.now().Sub(start).Round(100*time.Microsecond), dash(res.Header.Get(wire.HeaderRequestID)))
	if res.StatusCode >= http.StatusBadRequest {
		return a.failedCall(fn, res)
	}
	if _, err := io.Copy(a.Out, res.Body); err != nil {
		return fmt.Errorf("read the answer of function %s: %w", fn.Name, err)
	}
	return nil
}

func (a *app) request(ctx context.Context, base string, fn *v1.Function, f callFlags) (*http.Request, error) {
	body, err := a.body(f.body)
	if err != nil {
		return nil, err
	}
	m, err := methods(f.methods)
	if err != nil {
		return nil, err
	}
	if len(m) != 1 {
		return nil, usagef("one method at a time: --method GET")
	}
	query := url.Values{}
	for _, pair := range f.query {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, usagef("--query %q: write it as key=value", pair)
		}
		query.Add(key, value)
	}
	target := base + "/fission-function/" + fn.Namespace + "/" + fn.Name
	if f.subpath != "" {
		target += "/" + strings.TrimPrefix(f.subpath, "/")
	}
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, m[0], target, body)
	if err != nil {
		return nil, usagef("make the request: %v", err)
	}
	for _, h := range f.headers {
		key, value, ok := strings.Cut(h, ":")
		if !ok {
			return nil, usagef("--header %q: write it as 'Name: value'", h)
		}
		req.Header.Add(strings.TrimSpace(key), strings.TrimSpace(value))
	}
	return req, nil
}

func (a *app) body(arg string) (io.Reader, error) {
	switch {
	case arg == "":
		return nil, nil
	case arg == "-":
		return a.In, nil
	case strings.HasPrefix(arg, "@"):
		data, err := os.ReadFile(arg[1:])
		return strings.NewReader(string(data)), err
	default:
		return strings.NewReader(arg), nil
	}
}

// failedCall tells who failed: the platform, with its reason, or the function itself.
func (a *app) failedCall(fn *v1.Function, res *http.Response) error {
	data, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	var e wire.Error
	if res.Header.Get(wire.HeaderComponent) != "" && json.Unmarshal(data, &e) == nil {
		next := "hotpod function describe " + fn.Name
		if strings.HasPrefix(e.Reason, "signature_") {
			next = "kubectl auth can-i get secret/fission-internal-auth -n " + a.componentNamespace() + "   # or set FISSION_INTERNAL_AUTH_SECRET"
		}
		return hint(fmt.Errorf("%s: %s: %s", res.Status, e.Reason, e.Message), next)
	}
	if res.Header.Get("X-Fission-Route-Miss") == "1" {
		return hint(fmt.Errorf("%s: the router does not know function %s/%s", res.Status, fn.Namespace, fn.Name), "hotpod function describe "+fn.Name, "hotpod check")
	}
	if _, err := a.Out.Write(data); err != nil {
		return err
	}
	return hint(fmt.Errorf("function %s answered %s", fn.Name, res.Status), "hotpod function logs "+fn.Name)
}

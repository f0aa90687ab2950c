package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	sigsyaml "sigs.k8s.io/yaml"

	"hotpod.dev/wire"
)

// versions are what `version` prints.
type versions struct {
	Client clientVersion  `json:"client"`
	Server *serverVersion `json:"server,omitempty"`
}

type clientVersion struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// serverVersion is the router's answer to /_version.
type serverVersion struct {
	Build struct {
		GitCommit, BuildDate, Version string
	}
	ServerTime struct {
		Timezone    string
		CurrentTime time.Time
	}
}

func (a *app) versionCommand() *cobra.Command {
	var (
		clientOnly bool
		format     string
	)
	cmd := &cobra.Command{
		Use: "version", Short: "Print the versions of the command and of the platform", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := versions{Client: clientVersion{wire.Version(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}}
			if !clientOnly {
				server, err := a.serverVersion(cmd.Context())
				if err != nil {
					a.progress("note: the platform's version is not known: %v", err)
				}
				v.Server = server
			}
			return v.print(a.Out, format)
		},
	}
	cmd.Flags().BoolVar(&clientOnly, "client-only", false, "do not ask the platform")
	cmd.Flags().StringVarP(&format, "output", "o", "", "output format: json|yaml")
	return cmd
}

func (v versions) print(w io.Writer, format string) error {
	switch format {
	case "":
		fmt.Fprintln(w, "hotpod "+v.Client.Version)
		if v.Server != nil {
			fmt.Fprintf(w, "platform %s %s\n", v.Server.Build.Version, v.Server.Build.GitCommit)
		}
		return nil
	case "json":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	case "yaml":
		text, err := sigsyaml.Marshal(v)
		if err != nil {
			return fmt.Errorf("encode versions: %w", err)
		}
		_, err = w.Write(text)
		return err
	default:
		return usagef("-o %s is not known: use json or yaml", format)
	}
}

// serverVersion asks the router, with FISSION_AUTH_TOKEN where one is needed.
func (a *app) serverVersion(ctx context.Context) (*serverVersion, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	given := a.Getenv("FISSION_ROUTER_URL")
	if host := a.Getenv("FISSION_ROUTER"); given == "" && host != "" {
		given = "http://" + host
	}
	if given == "" {
		if _, err := a.cluster(); err != nil {
			return nil, err
		}
	}
	base, stop, err := a.reachRouter(ctx, given, wire.PortPublic)
	if err != nil {
		return nil, err
	}
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/_version", http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("ask the router: %w", err)
	}
	if token := a.Getenv("FISSION_AUTH_TOKEN"); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the router: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask the router: %s", res.Status)
	}
	v := &serverVersion{}
	if err := json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(v); err != nil {
		return nil, fmt.Errorf("read the router's version: %w", err)
	}
	return v, nil
}

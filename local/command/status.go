package command

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"hotpod.dev/local/platform"
)

// errNotRunning makes the exit code of status tell whether the platform runs.
var errNotRunning = errors.New("the platform does not run (start it by: hotpod up)")

func status(folder folderFunc) *cobra.Command {
	var output string
	var quiet bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what runs; the exit code is 1 when the platform does not",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := folder()
			if err != nil {
				return err
			}
			s, err := platform.ReadStatus(cmd.Context(), dir)
			if err != nil {
				return err
			}
			if quiet && s.Phase != platform.Ready {
				return fmt.Errorf("the platform is not ready (%s)", phase(s))
			}
			if quiet {
				return nil
			}
			if err := show(cmd.OutOrStdout(), s, output); err != nil {
				return err
			}
			if s.Phase == platform.Stopped || s.Phase == "" {
				return errNotRunning
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "print nothing, and exit with 0 only when everything is ready")
	cmd.Flags().StringVarP(&output, "output", "o", "", "json, yaml or wide (with the memory of every process)")
	return cmd
}

func show(w io.Writer, s platform.Status, output string) error {
	switch output {
	case "json":
		text, err := json.MarshalIndent(s, "", "  ")
		fmt.Fprintln(w, string(text))
		return err
	case "yaml":
		text, err := yaml.Marshal(s)
		fmt.Fprint(w, string(text))
		return err
	case "", "wide":
		return table(w, s, output == "wide")
	}
	return fmt.Errorf("-o %s is unknown: json, yaml or wide", output)
}

func table(w io.Writer, s platform.Status, wide bool) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	head(t, s)
	if s.Phase == platform.Stopped || s.Phase == "" {
		return t.Flush()
	}
	fmt.Fprintln(t, "\nPROCESS\tSTATE\tPID\tRESTARTS\tSINCE\tLAST END")
	for _, p := range s.Processes {
		state := "running"
		if !p.Running {
			state = "dead"
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%s\t%s\n", p.Name, state, p.Identity.PID, p.Restarts, age(p.Since), p.LastExit)
	}
	fmt.Fprintln(t, "\nPART\tREADY\tRESTARTS\tADDRESS\tREASON")
	for _, p := range s.Parts {
		fmt.Fprintf(t, "%s\t%t\t%d\t%s\t%s\n", p.Name, p.Ready, p.Restarts, p.Address, p.Reason)
	}
	if wide {
		memory(t, s)
	}
	return t.Flush()
}

func phase(s platform.Status) string { return cmp.Or(string(s.Phase), "never started") }

func head(w io.Writer, s platform.Status) {
	fmt.Fprintf(w, "platform\t%s\n", phase(s))
	fmt.Fprintf(w, "folder\t%s\n", s.Dir)
	if s.Problem != "" {
		fmt.Fprintf(w, "problem\t%s\n", s.Problem)
	}
	if s.Phase == platform.Stopped || s.Phase == "" {
		return
	}
	for _, router := range s.Routers {
		fmt.Fprintf(w, "router\thttp://%s\n", router)
	}
	fmt.Fprintf(w, "API server\t%s\n", s.APIServer)
	fmt.Fprintf(w, "network\t127.%d.0.0/16\n", s.Network)
	var counts []string
	for _, state := range slices.Sorted(maps.Keys(s.Pods)) {
		counts = append(counts, fmt.Sprintf("%d %s", s.Pods[state], state))
	}
	fmt.Fprintf(w, "pods\t%s\n", strings.Join(counts, ", "))
}

// memory lists every process. Shared pages are divided in the second column, so that its sum is what is used.
func memory(w io.Writer, s platform.Status) {
	var resident, proportional int64
	fmt.Fprintln(w, "\nPID\tRESIDENT\tSHARE\tCOMMAND")
	for _, p := range s.Memory {
		resident += p.Resident
		proportional += p.Proportional
		fmt.Fprintf(w, "%d\t%.1f MiB\t%.1f MiB\t%.80s\n", p.PID, mib(p.Resident), mib(p.Proportional), p.Command)
	}
	fmt.Fprintf(w, "all\t%.1f MiB\t%.1f MiB\t\n", mib(resident), mib(proportional))
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

func age(since time.Time) string { return time.Since(since).Round(time.Second).String() }

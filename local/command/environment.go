package command

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"hotpod.dev/local/platform"
)

// errNoPorts keeps a shell from variables that lead nowhere.
var errNoPorts = errors.New("the platform starts for the first time and has not chosen its ports (see: hotpod local status)")

func environment(folder folderFunc) *cobra.Command {
	return &cobra.Command{
		Use:   "env",
		Short: `Print the variables that a shell needs: eval "$(hotpod local env)"`,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := folder()
			if err != nil {
				return err
			}
			state, err := platform.ReadState(platform.Layout(dir))
			if err != nil {
				return err
			}
			if !state.Running() {
				return errNotRunning
			}
			if state.RouterPort == 0 {
				return errNoPorts
			}
			exports(cmd.OutOrStdout(), platform.Summarize(platform.Layout(dir), state))
			return nil
		},
	}
}

func exports(w io.Writer, s platform.Summary) {
	fmt.Fprintf(w, "export PATH=%s:%s:\"$PATH\"\n", quote(s.Programs), quote(s.Bin))
	fmt.Fprintf(w, "export KUBECONFIG=%s\n", quote(s.Kubeconfig))
	fmt.Fprintf(w, "export FISSION_ROUTER=%s\n", quote(s.Router))
	fmt.Fprintf(w, "export HOTPOD_ROUTERS=%s\n", quote(strings.Join(s.Routers, ",")))
	fmt.Fprintf(w, "export FISSION_ROUTER_URL=%s\n", quote("http://"+s.Router))
	fmt.Fprintf(w, "export FISSION_ROUTER_INTERNAL_URL=%s\n", quote("http://"+s.Internal))
}

// quote makes one word of the text for a POSIX shell.
func quote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

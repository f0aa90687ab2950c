package command

import (
	"context"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"hotpod.dev/local/platform"
)

// Env is what the commands see of the world.
type Env struct {
	// Getenv reads the environment.
	Getenv func(string) string
	// Program is the absolute path of the running program.
	Program string
	// In, Out and Err are the standard streams.
	In       io.Reader
	Out, Err io.Writer
}

// New returns the command line.
func New(env Env) *cobra.Command {
	root := &cobra.Command{
		Use:           "hotpod-local",
		Short:         "Run Hotpod on this machine, without containers, root or a cluster",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	var dir string
	root.PersistentFlags().StringVar(&dir, "dir", env.Getenv("HOTPOD_DIR"), "data folder (default $XDG_DATA_HOME/hotpod, ~/.local/share/hotpod)")
	folder := func() (string, error) {
		if dir == "" {
			return platform.DefaultDir(env.Getenv)
		}
		return filepath.Abs(dir)
	}
	root.AddCommand(up(env, folder), down(env, folder), reset(env, folder), status(folder), environment(folder), image(env, folder))
	return root
}

// Run parses the arguments and runs the command.
func Run(ctx context.Context, args []string, env Env) error {
	root := New(env) //nolint:contextcheck // cobra hands ctx to the commands
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}

// folderFunc returns the data folder as an absolute path.
type folderFunc func() (string, error)

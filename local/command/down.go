package command

import (
	"bufio"
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"hotpod.dev/local/platform"
)

func warnings(env Env) *slog.Logger {
	return slog.New(slog.NewTextHandler(env.Err, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func down(env Env, folder folderFunc) *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "Stop the platform; its data stays",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := folder()
			if err != nil {
				return err
			}
			was, err := platform.Down(cmd.Context(), dir, warnings(env))
			if err != nil {
				return err
			}
			if !was {
				fmt.Fprintln(env.Err, "no platform runs in", dir)
				return nil
			}
			fmt.Fprintln(env.Err, "stopped; the data stays in", dir)
			return nil
		},
	}
}

func reset(env Env, folder folderFunc) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "reset",
		Short: "Stop the platform and delete its data",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := folder()
			if err != nil {
				return err
			}
			if !yes {
				fmt.Fprintf(env.Err, "delete %s with all functions and routes in it? [y/N] ", dir)
				answer, _ := bufio.NewReader(env.In).ReadString('\n')
				if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
					return fmt.Errorf("nothing was deleted (--yes answers the question)")
				}
			}
			if err := platform.Reset(cmd.Context(), dir, warnings(env)); err != nil {
				return err
			}
			fmt.Fprintln(env.Err, "deleted", dir)
			return nil
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

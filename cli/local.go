package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/spf13/cobra"
)

// childError is the exit code of a program that this command stood in for; it has said itself what was wrong.
type childError int

func (c childError) Error() string { return fmt.Sprintf("exit status %d", int(c)) }

// localProgram is the embedded platform's own program, beside this one.
const localProgram = "hotpod-local"

func (a *app) localCommand() *cobra.Command {
	return &cobra.Command{
		Use: "local", Short: "The embedded platform: up, down, reset, status, env, image", DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error { return a.runLocal(cmd.Context(), args) },
	}
}

// platformCommand is the short form of "local VERB".
func (a *app) platformCommand(verb string) *cobra.Command {
	short := map[string]string{"up": "Start the embedded platform", "down": "Stop the embedded platform"}[verb]
	return &cobra.Command{
		Use: verb, Short: short + " (short for: hotpod local " + verb + ")", DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runLocal(cmd.Context(), append([]string{verb}, args...))
		},
	}
}

// runLocal hands over to the platform's program: it gets the terminal and the signals.
func (a *app) runLocal(ctx context.Context, args []string) error {
	if runtime.GOOS != "linux" {
		return hint(errors.New("the embedded platform needs Linux: it runs pods as processes in Linux namespaces"),
			"hotpod --kubeconfig FILE …   # every other command works with any cluster")
	}
	program := filepath.Join(filepath.Dir(a.Executable), localProgram)
	if _, err := os.Stat(program); err != nil {
		found, lookErr := exec.LookPath(localProgram)
		if lookErr != nil {
			return hint(fmt.Errorf("%s is neither beside hotpod nor on PATH", localProgram), "make build")
		}
		program = found
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.In, a.Out, a.Err
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	err := cmd.Run()
	if cmd.ProcessState != nil && cmd.ProcessState.Success() {
		return nil // also when it was ended by our signal
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return childError(max(exit.ExitCode(), ExitError))
	}
	return err
}

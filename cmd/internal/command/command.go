// Package command is what the mains of all commands share: how they are told to end, and how they say why they failed.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// ErrSettings is what a command's error wraps when its settings cannot be used, and nothing was done.
var ErrSettings = errors.New("bad settings")

// Main runs a command and exits with 1, or 2 for ErrSettings, or what an error with an ExitCode says, telling why on stderr, when
// it fails. The context ends with SIGINT or SIGTERM;
// flag.ErrHelp is no failure: the help was printed already.
func Main(name string, run func(ctx context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(exitCode(err))
	}
}

func exitCode(err error) int {
	var own interface{ ExitCode() int }
	switch {
	case errors.Is(err, ErrSettings):
		return 2
	case errors.As(err, &own):
		return own.ExitCode()
	default:
		return 1
	}
}

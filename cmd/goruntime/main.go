// Command goruntime is the runtime for Go; "goruntime build" is its builder. See environments/go.
package main

import (
	"context"
	"fmt"
	"os"

	"hotpod.dev/cmd/internal/command"
	"hotpod.dev/environments/generic"
	golang "hotpod.dev/environments/go"
)

func main() {
	command.Main("goruntime", func(ctx context.Context) error { return run(ctx, os.Args[1:]) })
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 1 && args[0] == "build":
		return golang.BuildCommand(ctx, os.Getenv, os.Stderr)
	case len(args) > 0:
		return fmt.Errorf("%w: the only argument is build, not %q", command.ErrSettings, args)
	}
	settings, err := generic.ReadSettings(os.Getenv)
	if err != nil {
		return fmt.Errorf("%w: %w", command.ErrSettings, err)
	}
	return golang.Run(ctx, settings, os.Stdout, os.Stderr)
}

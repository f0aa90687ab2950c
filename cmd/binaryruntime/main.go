// Command binaryruntime is the runtime for executables and scripts; see environments/binary.
package main

import (
	"context"
	"fmt"
	"net"
	"os"

	"hotpod.dev/cmd/internal/command"
	"hotpod.dev/environments/binary"
	"hotpod.dev/environments/generic"
)

func main() {
	command.Main("binaryruntime", run)
}

func run(ctx context.Context) error {
	settings, err := generic.ReadSettings(os.Getenv)
	if err != nil {
		return fmt.Errorf("%w: %w", command.ErrSettings, err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", settings.Address)
	if err != nil {
		return err
	}
	loader := binary.Loader{ShowErrors: settings.ShowErrors, Log: os.Stderr}
	return generic.Serve(ctx, listener, generic.New(settings, loader, os.Stdout))
}

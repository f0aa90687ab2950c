// Command hotpod-local runs Hotpod on one machine; see package platform.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"hotpod.dev/local/command"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the program at once; the kernel then ends the processes that it started.
	context.AfterFunc(ctx, stop)
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "hotpod-local:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the program: %w", err)
	}
	return command.Run(ctx, args, command.Env{
		Getenv: os.Getenv, Program: program, In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
	})
}

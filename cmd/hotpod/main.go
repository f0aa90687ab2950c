// Command hotpod is the command line of the platform.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"hotpod.dev/cli"
)

func main() {
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	executable, err := os.Executable()
	if err != nil {
		executable = os.Args[0]
	}
	return cli.Run(ctx, cli.Config{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Executable: executable,
	}, os.Args[1:])
}

package golang

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// BuildCommand is the builder's command, called as Fission's builders are: SRC_PKG is the source, a file or a folder, and
// DEPLOY_PKG is where the program goes.
func BuildCommand(ctx context.Context, getenv func(string) string, log io.Writer) error {
	src, out := getenv("SRC_PKG"), getenv("DEPLOY_PKG")
	if src == "" || out == "" {
		return errors.New("SRC_PKG and DEPLOY_PKG must name the source and the result")
	}
	dir, err := os.MkdirTemp("", "build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := (Builder{Dir: dir, Log: log}).Build(ctx, src, out); err != nil {
		return fmt.Errorf("build %s: %w", src, err)
	}
	return nil
}

package soak

import (
	"cmp"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A minute of everything at once, in one order of events, so that what fails can be repeated: bin/perf soak takes another
// each time. HOTPOD_SOAK_PROGRAMS is the folder of the binaries, HOTPOD_SOAK_DIR that of a running
// platform.
func TestRun_LosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("runs for a minute on an embedded platform: run without -short, after make build")
	}
	programs := cmp.Or(os.Getenv("HOTPOD_SOAK_PROGRAMS"), filepath.Join("..", "..", "bin"))
	_, err := Run(t.Context(), Config{
		For: time.Minute, Seed: 1, Peak: 20, Pause: time.Second, Programs: programs, Dir: os.Getenv("HOTPOD_SOAK_DIR"),
		Out: t.Output(), Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Error(err)
	}
}

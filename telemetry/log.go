package telemetry

import (
	"fmt"
	"io"
	"log/slog"
)

// Logger returns a logger that writes JSON lines of level and above, each naming the component. An empty level
// means info.
func Logger(w io.Writer, component, level string) (*slog.Logger, error) {
	var l slog.Level
	if level != "" {
		if err := l.UnmarshalText([]byte(level)); err != nil {
			return nil, fmt.Errorf("read log level: %q is none of debug, info, warn, error", level)
		}
	}
	h := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l})
	return slog.New(h).With("component", component), nil
}

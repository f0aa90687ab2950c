package logger

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"hotpod.dev/logger/client"
	"hotpod.dev/logline"
	"hotpod.dev/logstore"
)

// maxLimit bounds the lines of an answer.
const maxLimit = 1_000_000

// Handler answers GET /v1/logs with the lines that its parameters choose, as JSON objects apart by ends of lines, the newest first.
// The parameters are those of client.Values. An answer that breaks off for an error ends with {"error": "…"}.
func Handler(lines *logstore.Lines, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+client.PathLogs, func(w http.ResponseWriter, r *http.Request) {
		q, err := query(r.URL.Query())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer(r.Context(), w, lines, q, log)
	})
	return mux
}

func answer(ctx context.Context, w http.ResponseWriter, lines *logstore.Lines, q logstore.Query, log *slog.Logger) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	err := lines.Find(ctx, q, func(l *logstore.Line) error { return out.Encode(l) })
	if err != nil && ctx.Err() == nil {
		log.Warn("question is not answered", "error", err)
		_ = out.Encode(map[string]string{"error": err.Error()})
	}
}

// query reads what client.Values writes.
func query(v url.Values) (logstore.Query, error) {
	q := logstore.Query{
		Namespace: v.Get("namespace"), Function: v.Get("function"), Environment: v.Get("environment"), Pod: v.Get("pod"),
		Container: v.Get("container"), RequestID: v.Get("requestId"), TraceID: v.Get("traceId"), Limit: maxLimit,
	}
	for name, at := range map[string]*time.Time{"since": &q.Since, "until": &q.Until} {
		if text := v.Get(name); text != "" {
			t, err := time.Parse(time.RFC3339Nano, text)
			if err != nil {
				return q, fmt.Errorf("%s is no time of RFC 3339: %q", name, text)
			}
			*at = t
		}
	}
	if text := v.Get("level"); text != "" {
		if q.Level = logline.LevelNamed(text); q.Level == 0 {
			return q, fmt.Errorf("level is none: %q", text)
		}
	}
	if text := v.Get("grep"); text != "" {
		match, err := regexp.Compile(text)
		if err != nil {
			return q, fmt.Errorf("grep is no regular expression: %w", err)
		}
		q.Match = match
	}
	if text := v.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return q, fmt.Errorf("limit is no positive number: %q", text)
		}
		q.Limit = min(n, maxLimit)
	}
	return q, nil
}

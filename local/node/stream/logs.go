package stream

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"hotpod.dev/local/node/logs"
)

func (h *handler) logs(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	options, err := logOptions(query, time.Now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	out := &flushing{w: w}
	err = h.pods.Log(r.Context(), targetOf(r), isTrue(query.Get("previous")), options, out)
	if err != nil && !out.wrote {
		http.Error(w, err.Error(), statusOf(err))
	}
	// An answer without a line must arrive too, so that a reader who follows sees that it is connected.
	out.flush()
}

// logOptions reads the parameters that kubectl logs has.
func logOptions(query url.Values, now time.Time) (logs.Options, error) {
	o := logs.Options{Tail: -1, Follow: isTrue(query.Get("follow")), Timestamps: isTrue(query.Get("timestamps"))}
	switch s := query.Get("stream"); s {
	case "", "All":
	case "Stdout":
		o.Stream = "stdout"
	case "Stderr":
		o.Stream = "stderr"
	default:
		return o, fmt.Errorf("stream %q is neither All, Stdout nor Stderr", s)
	}
	for name, set := range map[string]func(int64){
		"tailLines":    func(n int64) { o.Tail = n },
		"limitBytes":   func(n int64) { o.Limit = n },
		"sinceSeconds": func(n int64) { o.Since = now.Add(-time.Duration(n) * time.Second) },
	} {
		text := query.Get(name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return o, fmt.Errorf("%s %q is not a number from zero", name, text)
		}
		set(n)
	}
	if text := query.Get("sinceTime"); text != "" {
		since, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return o, fmt.Errorf("sinceTime: %w", err)
		}
		o.Since = since
	}
	return o, nil
}

func isTrue(text string) bool {
	value, err := strconv.ParseBool(text)
	return err == nil && value
}

// flushing sends everything at once.
type flushing struct {
	w     io.Writer
	wrote bool
}

// Write implements io.Writer.
func (f *flushing) Write(data []byte) (int, error) {
	n, err := f.w.Write(data)
	f.wrote = f.wrote || n > 0
	f.flush()
	return n, err
}

func (f *flushing) flush() {
	if flusher, ok := f.w.(http.Flusher); ok {
		flusher.Flush()
	}
}

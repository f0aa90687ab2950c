package queueproxy_test

import (
	"io"
	"net/http"
)

// resets is a function whose streams are reset, after a message or before the answer's head.
func resets(first string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if first != "" {
			w.Header().Set("Content-Type", "application/grpc+raw")
			_, _ = w.Write(append([]byte{0, 0, 0, 0, byte(len(first))}, first...))
			_ = http.NewResponseController(w).Flush()
		}
		panic(http.ErrAbortHandler)
	})
}

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// Handler says what the request was, as JSON.
func Handler(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	query, headers := map[string]string{}, map[string]string{}
	for name := range r.URL.Query() {
		query[name] = r.URL.Query().Get(name)
	}
	for name := range r.Header {
		headers[strings.ToLower(name)] = r.Header.Get(name)
	}
	json.NewEncoder(w).Encode(map[string]any{
		"method": r.Method, "path": r.URL.Path, "query": query, "headers": headers, "body": body,
	})
}

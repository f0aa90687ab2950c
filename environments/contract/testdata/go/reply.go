package main

import (
	"io"
	"net/http"
	"strconv"
)

// Handler answers with the status that the query asks for, two cookies and a header.
func Handler(w http.ResponseWriter, r *http.Request) {
	status, _ := strconv.Atoi(r.URL.Query().Get("status"))
	w.Header().Set("X-Custom", "yes")
	w.Header()["Set-Cookie"] = []string{"a=1", "b=2"}
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(status)
	io.WriteString(w, "as asked\n")
}

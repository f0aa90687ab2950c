package main

import (
	"bytes"
	"net/http"
	"strconv"
)

// Handler answers with as many bytes as the query asks for.
func Handler(w http.ResponseWriter, r *http.Request) {
	size, _ := strconv.Atoi(r.URL.Query().Get("bytes"))
	piece := bytes.Repeat([]byte("x"), 1<<20)
	for size > 0 {
		n, err := w.Write(piece[:min(size, len(piece))])
		if err != nil {
			return
		}
		size -= n
	}
}

package main

import (
	"io"
	"net/http"
)

// Handler answers with the request's body as it comes.
func Handler(w http.ResponseWriter, r *http.Request) {
	http.NewResponseController(w).EnableFullDuplex()
	io.Copy(w, r.Body)
}

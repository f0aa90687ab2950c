package main

import (
	"io"
	"net/http"
)

// Handler fails when it is called, but not at /fine.
func Handler(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/fine" {
		io.WriteString(w, "fine")
		return
	}
	explode()
}

func explode() { panic("boom at call") }

package main

import (
	"io"
	"net/http"
)

var release = make(chan bool)

// Handler streams `first`, then, after a call of /release, `second`; /broken fails in between.
func Handler(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/release" {
		release <- true
		return
	}
	io.WriteString(w, "first\n")
	w.(http.Flusher).Flush()
	<-release
	if r.URL.Path == "/broken" {
		panic("broken in the middle")
	}
	io.WriteString(w, "second\n")
}

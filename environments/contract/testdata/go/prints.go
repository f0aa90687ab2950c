package main

import (
	"fmt"
	"net/http"
)

var release = make(chan bool)

// Handler prints a line, and answers only after /release.
func Handler(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/release" {
		release <- true
		return
	}
	fmt.Println("a line of the function")
	<-release
	fmt.Fprint(w, "printed")
}

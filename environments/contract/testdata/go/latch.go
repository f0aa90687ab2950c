package main

import (
	"fmt"
	"net/http"
	"sync"
)

var (
	mu      sync.Mutex
	waiting []chan bool
)

// Handler ends the oldest call of /wait by a call of /release; /count says how many wait.
func Handler(w http.ResponseWriter, r *http.Request) {
	mu.Lock()
	switch r.URL.Path {
	case "/count":
		fmt.Fprint(w, len(waiting))
		mu.Unlock()
	case "/release":
		close(waiting[0])
		waiting = waiting[1:]
		mu.Unlock()
	default:
		released := make(chan bool)
		waiting = append(waiting, released)
		mu.Unlock()
		<-released
		fmt.Fprint(w, "waited")
	}
}

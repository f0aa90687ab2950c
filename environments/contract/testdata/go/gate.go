package main

import (
	"io"
	"net/http"
	"os"
	"time"
)

// Handler says that it is reached by one file, and answers when another exists.
func Handler(w http.ResponseWriter, _ *http.Request) {
	gate := os.Getenv("CONTRACT_GATE")
	os.WriteFile(gate+".reached", nil, 0o600)
	for {
		if _, err := os.Stat(gate); err == nil {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	io.WriteString(w, "through the gate")
}

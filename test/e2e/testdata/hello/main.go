// Command hello is a function that listens itself.
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	err := http.ListenAndServe(os.Getenv("HOTPOD_RUNTIME_ADDRESS"), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { //nolint:gosec // nobody is slow here
		fmt.Fprintln(w, "Hello, world!")
	}))
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
)

// Read at load, so that it tells whether the variables were there by then.
var greeting, replaced = os.Getenv("GREETING"), os.Getenv("REPLACED")

func Handler(w http.ResponseWriter, r *http.Request) {
	child, err := exec.CommandContext(r.Context(), "printenv", "GREETING").Output()
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(w, "%s|%s|%s", greeting, replaced, strings.TrimSpace(string(child)))
}

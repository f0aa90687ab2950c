package main

import (
	"io"
	"net/http"
)

func Handler(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello from main") }

package main

import (
	"context"
	"io"
	"net/http"
)

func Other(_ context.Context, w http.ResponseWriter, _ *http.Request) {
	io.WriteString(w, "hello from other")
}

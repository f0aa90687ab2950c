package main

import (
	"net/http"

	"gone"
)

func Handler(http.ResponseWriter, *http.Request) { gone.Now() }

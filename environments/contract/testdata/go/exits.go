package main

import (
	"fmt"
	"net/http"
	"os"
)

func Handler(http.ResponseWriter, *http.Request) {
	fmt.Println("leaving")
	os.Exit(7)
}

package main

import "net/http"

func init() { prepare() }

func prepare() { panic("boom at load") }

func Handler(http.ResponseWriter, *http.Request) {}

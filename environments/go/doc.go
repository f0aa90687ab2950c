// Package golang is the runtime and the builder for Go.
//
// Building makes a plain program of a source: of a package main with a main of its own, that program; of a package with
// functions of a handler's form, those with the main program of package shim beside them. Loading starts the program. One made
// around functions takes over the runtime's listening socket, so that requests reach it without a hop; one with its own main
// listens itself where it is told. From then on the program's end is the runtime's end.
//
// The runtime uses the standard library only. The builder needs the go command; a runtime that finds one also loads sources.
package golang

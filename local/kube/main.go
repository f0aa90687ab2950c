package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run(os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "hotpod-kube:", err)
		os.Exit(1)
	}
}

// run starts the program named by the first argument, or kubectl when the binary was called by that name.
func run(args []string) error {
	if filepath.Base(args[0]) == "kubectl" {
		return runKubectl(args)
	}
	if len(args) < 2 {
		return fmt.Errorf("usage: hotpod-kube etcd|apiserver|controllers|kubectl [flags]")
	}
	// The programs read os.Args themselves in places, so they must find their own name in front.
	os.Args = args[1:]
	switch args[1] {
	case "etcd":
		return runEtcd(args[2:])
	case "apiserver":
		return runAPIServer(args[2:])
	case "controllers":
		return runControllers(args[2:])
	case "kubectl":
		return runKubectl(args[1:])
	}
	return fmt.Errorf("unknown program %q: want etcd, apiserver, controllers or kubectl", args[1])
}

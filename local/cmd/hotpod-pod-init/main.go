// Command hotpod-pod-init is process 1 of every pod on the embedded node. The
// node agent starts it; see package podinit.
package main

import (
	"fmt"
	"os"

	"hotpod.dev/local/node/podinit"
)

func main() {
	if err := podinit.Main(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "hotpod-pod-init:", err)
		os.Exit(1)
	}
}

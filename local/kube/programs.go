package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

// runAPIServer does without garbage collection while the server starts: it then allocates much and frees little, and
// collecting costs about a third of the time on a small machine. The limit keeps a bound on it.
func runAPIServer(args []string) error {
	const startLimit, startTime = 448 << 20, 6 * time.Second
	usual := debug.SetGCPercent(-1)
	limit := debug.SetMemoryLimit(startLimit)
	time.AfterFunc(startTime, func() {
		debug.SetGCPercent(usual)
		debug.SetMemoryLimit(limit)
		debug.FreeOSMemory()
	})
	return runCommand(apiserver.NewAPIServerCommand(), args)
}

func runControllers(args []string) error {
	return runCommand(controllers.NewControllerManagerCommand(), args)
}

// runKubectl takes the arguments with the program's name in front, from which kubectl finds its plugins.
func runKubectl(args []string) error {
	os.Args = args
	return runCommand(kubectl.NewDefaultKubectlCommand(), args[1:])
}

func runCommand(cmd *cobra.Command, args []string) error {
	cmd.SetArgs(args)
	if code := cli.Run(cmd); code != 0 {
		return fmt.Errorf("%s exited with code %d", cmd.Name(), code)
	}
	return nil
}

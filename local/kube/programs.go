package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

func runAPIServer(args []string) error {
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

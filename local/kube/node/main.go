// Command hotpod-node holds the Kubernetes programs of a node that runs containers: the kubelet, the scheduler and
// kube-proxy. The first argument names the program; what follows are its usual flags.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: hotpod-node kubelet|scheduler|proxy [flags]")
		os.Exit(2)
	}
	os.Exit(run(os.Args[1], os.Args[1:]))
}

// run starts the program with its own name in front of its arguments, as the kubelet, which reads them itself, wants it.
func run(name string, args []string) int {
	os.Args = args
	programs := map[string]func() *cobra.Command{
		"kubelet":   func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
		"scheduler": func() *cobra.Command { return scheduler.NewSchedulerCommand() },
		"proxy":     proxy.NewProxyCommand,
	}
	program, ok := programs[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "unknown program %q: want kubelet, scheduler or proxy\n", name)
		return 2
	}
	return cli.Run(program())
}

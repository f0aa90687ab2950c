package platform

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"hotpod.dev/local/parts"
	"hotpod.dev/wire"
)

// Summary is what a person needs to use the platform.
type Summary struct {
	// Dir is the data folder.
	Dir string `json:"dir"`
	// Router is where functions are called, "host:port".
	Router string `json:"router"`
	// Routers are all addresses where functions are called, Router the first of them.
	Routers []string `json:"routers"`
	// Internal is where functions call functions by name, "host:port".
	Internal string `json:"internal"`
	// APIServer is the URL of the Kubernetes API, Kubeconfig the file with its credentials.
	APIServer  string `json:"apiServer"`
	Kubeconfig string `json:"kubeconfig"`
	// Programs and Bin are folders for PATH: Hotpod's own programs, and kubectl.
	Programs string `json:"programs"`
	Bin      string `json:"bin"`
}

// Summarize returns the summary of the platform that wrote the state.
func Summarize(l Layout, s State) Summary {
	net := network{number: s.Network}
	var routers []string
	for _, port := range append([]int{s.RouterPort}, s.MoreRouterPorts...) {
		routers = append(routers, fmt.Sprintf("127.0.0.1:%d", port))
	}
	return Summary{
		Dir: string(l), Router: routers[0], Routers: routers,
		Internal:   fmt.Sprintf("%s:%d", parts.Addresses(net.cidr())["router"], wire.PortInternal),
		APIServer:  fmt.Sprintf("https://127.0.0.1:%d", s.APIServerPort),
		Kubeconfig: l.Kubeconfig(), Programs: s.ProgramsDir, Bin: l.Bin(),
	}
}

func (p *Platform) summary() Summary { return Summarize(p.layout, p.state.get()) }

// podPorts are the ports that every part or pod listens at on its own address.
func podPorts() []int {
	return []int{
		wire.PortPublic, wire.PortInternal, wire.PortFetcher, wire.PortRequests, wire.PortQueueControl,
		wire.PortXDS, wire.PortRouteStatus, wire.PortAutoscaler, wire.PortDebug, streamPort,
	}
}

// linkKubectl gives hotpod-kube the name by which it is kubectl.
func linkKubectl(l Layout, kube string) error {
	if err := os.MkdirAll(l.Bin(), 0o700); err != nil {
		return err
	}
	link := l.Bin() + "/kubectl"
	if target, err := os.Readlink(link); err == nil && target == kube {
		return nil
	}
	if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Symlink(kube, link)
}

package kube

import (
	"fmt"
	"io"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// LoadOptions say where the API server is. The zero value follows kubectl: KUBECONFIG, then ~/.kube/config, then
// the service account of the pod.
type LoadOptions struct {
	// Kubeconfig is the path of a file; it wins over KUBECONFIG.
	Kubeconfig string
	// Context of the file; empty means its current one.
	Context string
	// UserAgent names the program to the API server; empty means client-go's default.
	UserAgent string
	// Warnings gets what the API server says of objects that it takes all the same, each once; nil drops it.
	Warnings io.Writer
}

// Connect returns the clients of a component, which the API server knows by userAgent. The kubeconfig may be empty, see LoadOptions.
func Connect(kubeconfig, userAgent string) (*Clients, error) {
	config, _, err := Load(LoadOptions{Kubeconfig: kubeconfig, UserAgent: userAgent})
	if err != nil {
		return nil, err
	}
	return NewClients(config)
}

// Load returns the connection and the namespace to use when the user names none. The client does not limit its own
// rate: the API server's fair queues do.
func Load(o LoadOptions) (config *rest.Config, namespace string, err error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = o.Kubeconfig
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: o.Context})
	if config, err = loader.ClientConfig(); err != nil {
		return nil, "", fmt.Errorf("find the API server: %w", err)
	}
	if namespace, _, err = loader.Namespace(); err != nil {
		return nil, "", fmt.Errorf("read the namespace of the context: %w", err)
	}
	config.QPS = -1
	config.UserAgent = o.UserAgent
	config.WarningHandler = rest.NoWarnings{}
	if o.Warnings != nil {
		config.WarningHandler = rest.NewWarningWriter(o.Warnings, rest.WarningWriterOptions{Deduplicate: true})
	}
	return config, namespace, nil
}

// Command policies enforces NetworkPolicies on the test cluster's node, which the bridge plugin does not: it watches
// policies, pods and namespaces, and writes what follows from them into an nftables table. What is forbidden is answered
// at once with "administratively prohibited" (EHOSTUNREACH), so that tests can tell it from a port that nobody listens on.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how the API server is reached")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *kubeconfig, slog.New(slog.NewTextHandler(os.Stderr, nil))); err != nil {
		fmt.Fprintln(os.Stderr, "policies:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to stop
	}
}

// gather is how long changes are gathered before they take effect.
const gather = 10 * time.Millisecond

func run(ctx context.Context, kubeconfig string, log *slog.Logger) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(clients, 0)
	pods, namespaces, policies := factory.Core().V1().Pods(), factory.Core().V1().Namespaces(), factory.Networking().V1().NetworkPolicies()
	changed := make(chan struct{}, 1)
	for _, informer := range []cache.SharedIndexInformer{pods.Informer(), namespaces.Informer(), policies.Informer()} {
		if _, err := informer.AddEventHandler(signalling(changed)); err != nil {
			return err
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	return follow(ctx, changed, log, func() (string, error) {
		w := world{}
		var err error
		if w.pods, err = pods.Lister().List(labels.Everything()); err != nil {
			return "", err
		}
		if w.policies, err = policies.Lister().List(labels.Everything()); err != nil {
			return "", err
		}
		all, err := namespaces.Lister().List(labels.Everything())
		w.setNamespaces(all)
		return w.rules(), err
	})
}

func signalling(changed chan<- struct{}) cache.ResourceEventHandler {
	tell := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { tell() }, UpdateFunc: func(any, any) { tell() }, DeleteFunc: func(any) { tell() },
	}
}

// follow makes the rules those that render returns, at each change, until ctx ends.
func follow(ctx context.Context, changed <-chan struct{}, log *slog.Logger, render func() (string, error)) error {
	last := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
		time.Sleep(gather)
		rules, err := render()
		if err != nil {
			return err
		}
		if rules == last {
			continue
		}
		cmd := exec.CommandContext(ctx, "nft", "-f", "-")
		cmd.Stdin = strings.NewReader(rules)
		if out, err := cmd.CombinedOutput(); err != nil && ctx.Err() == nil {
			return fmt.Errorf("nft: %w\n%s\n%s", err, out, rules)
		}
		last = rules
		log.Debug("rules are written", "bytes", len(rules))
	}
}

// world is what rules follow from.
type world struct {
	pods       []*corev1.Pod
	policies   []*networkingv1.NetworkPolicy
	namespaces map[string]labels.Set
}

func (w *world) setNamespaces(all []*corev1.Namespace) {
	w.namespaces = map[string]labels.Set{}
	for _, n := range all {
		w.namespaces[n.Name] = n.Labels
	}
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/install"
	"hotpod.dev/kube"
	"hotpod.dev/wire"
)

func (a *app) uninstallCommand() *cobra.Command {
	i := &installation{app: a}
	cmd := &cobra.Command{
		Use: "uninstall", Short: "Remove the platform; functions stay as objects unless --definitions is given", Args: noArgs,
		Long: `Remove everything that install made, and what the parts made at work: functions' pods, keys, leases, archives and logs.
Definitions, and with them all functions, routes and packages, are removed with --definitions only.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return i.uninstall(cmd.Context()) },
	}
	f := cmd.Flags()
	f.BoolVar(&i.keepData, "keep-data", false, "keep the volumes of archives and logs, and the shared secret")
	f.BoolVar(&i.definitions, "definitions", false, "remove the definitions too, and with them every function, route and package of the cluster")
	f.BoolVarP(&i.yes, "yes", "y", false, "do not ask what --definitions would lose")
	f.BoolVar(&i.dryRun, "dry-run", false, "say what would be removed")
	f.DurationVar(&i.timeout, "timeout", 2*time.Minute, "longest time to wait until the pods are gone")
	return cmd
}

// uninstall removes in the order in which nothing makes again what was removed: parts first, then what they made.
func (i *installation) uninstall(ctx context.Context) error {
	i.namespace = i.platform(true)
	if err := i.connect(ctx); err != nil {
		return err
	}
	if err := i.adopt(ctx); err != nil {
		return err
	}
	if err := i.wouldLose(ctx); err != nil {
		return err
	}
	refs := slices.Clone(i.previous.Objects)
	parts := deploymentsOf(refs)
	for _, r := range parts {
		if err := i.remove(ctx, r); err != nil {
			return err
		}
	}
	if err := i.podsGone(ctx); err != nil {
		return err
	}
	if err := i.removeMade(ctx); err != nil {
		return err
	}
	// The inventory goes last, so that an uninstall that breaks off can be repeated.
	own := install.Ref{APIVersion: "v1", Kind: "ConfigMap", Namespace: i.namespace, Name: install.InventoryName}
	var namespaces []install.Ref
	var kept []string
	for _, r := range slices.Backward(sorted(refs)) {
		switch {
		case r.Kind == "Deployment" || r == own:
		case r.Kind == "Namespace":
			namespaces = append(namespaces, r)
		case r.Kind == "PersistentVolumeClaim" && i.keepData, r.Kind == "CustomResourceDefinition" && !i.definitions:
			kept = append(kept, r.String())
		default:
			if err := i.remove(ctx, r); err != nil {
				return err
			}
		}
	}
	if err := i.remove(ctx, own); err != nil {
		return err
	}
	more, err := i.removeNamespaces(ctx, namespaces)
	if err != nil {
		return err
	}
	i.saySo(append(kept, more...))
	return nil
}

// sorted returns the references in the order in which they would be installed.
func sorted(refs []install.Ref) []install.Ref {
	rank := func(r install.Ref) int {
		return slices.Index([]string{"CustomResourceDefinition", "ClusterRole", "ServiceAccount"}, r.Kind)
	}
	slices.SortStableFunc(refs, func(a, b install.Ref) int { return rank(a) - rank(b) })
	return refs
}

func (i *installation) saySo(kept []string) {
	verb := "removed from"
	if i.dryRun {
		verb = "would be removed from"
	}
	fmt.Fprintf(i.app.Out, "%s namespace %s\n", verb, i.namespace)
	if len(kept) > 0 {
		fmt.Fprintln(i.app.Out, "kept: "+strings.Join(kept, ", "))
	}
}

// adopt takes an installation that hotpod install did not make for one of the defaults; there may be none.
func (i *installation) adopt(ctx context.Context) error {
	if i.previous != nil {
		return nil
	}
	_, err := i.objects.Get(ctx, kube.ObjectRef{APIVersion: "apps/v1", Kind: "Deployment", Namespace: i.namespace, Name: "router"})
	if apierrors.IsNotFound(err) {
		return &Error{Err: fmt.Errorf("nothing is installed in namespace %s", i.namespace), Code: ExitNotFound, Try: []string{"hotpod uninstall -n NAMESPACE"}}
	}
	if err != nil {
		return explainInstall(err, "look for the platform")
	}
	i.app.progress("it was not installed by hotpod install: what the manifests have is removed")
	admin, own, err := install.AdminPart(install.Values{}, i.namespace)
	if err != nil {
		return err
	}
	i.previous = &install.Inventory{Objects: install.Refs(slices.Concat(admin, own)), Made: []string{i.namespace, "fission-function"}}
	i.previous.Objects = append(i.previous.Objects, install.Ref{APIVersion: "v1", Kind: "Namespace", Name: i.namespace})
	return nil
}

// userKinds are the kinds of what people made.
func userKinds() []string {
	return []string{"Function", "HTTPTrigger", "Package", "Environment", "TimeTrigger", "KubernetesWatchTrigger"}
}

// wouldLose lists what goes with the definitions, and stops unless that was said to be right.
func (i *installation) wouldLose(ctx context.Context) error {
	if !i.definitions {
		return nil
	}
	total := 0
	for _, kind := range userKinds() {
		items, err := i.objects.List(ctx, kube.ObjectRef{APIVersion: v1.GroupVersion.String(), Kind: kind}, "")
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return explainInstall(err, "list what would be lost")
		}
		for n := range items {
			fmt.Fprintf(i.app.Err, "would be lost: %s %s/%s\n", kind, items[n].GetNamespace(), items[n].GetName())
		}
		total += len(items)
	}
	if total > 0 && !i.yes && !i.dryRun {
		return &Error{Err: fmt.Errorf("%d objects would be lost", total), Code: ExitUsage, Try: []string{
			"kubectl get functions,httptriggers,packages,environments,timetriggers,kuberneteswatchtriggers -A -o yaml > backup.yaml",
			"hotpod uninstall --definitions --yes", "hotpod uninstall   # keeps them",
		}}
	}
	return nil
}

// remove deletes an object, which may be gone already. What the user may not delete is told and left.
func (i *installation) remove(ctx context.Context, r install.Ref) error {
	err := i.objects.Delete(ctx, kube.ObjectRef(r), i.dryRun)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case apierrors.IsForbidden(err):
		i.app.progress("! %s stays: you may not delete it; an administrator does: kubectl delete %s %s", r, strings.ToLower(r.Kind), r.Name)
		return nil
	case err != nil:
		return explainInstall(err, "delete "+r.String())
	}
	if i.dryRun {
		fmt.Fprintf(i.app.Out, "%s would be removed\n", r)
	} else {
		i.app.verbosef("%s is removed", r)
	}
	return nil
}

// podsGone waits for the parts' pods: they would make again what is removed next.
func (i *installation) podsGone(ctx context.Context) error {
	if i.dryRun {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, i.timeout)
	defer cancel()
	for said := false; ; said = true {
		pods, err := i.objects.List(ctx, kube.ObjectRef{APIVersion: "v1", Kind: "Pod", Namespace: i.namespace}, labelComponent)
		if apierrors.IsForbidden(err) || err == nil && len(pods) == 0 {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			return explainInstall(err, "look for the parts' pods")
		}
		if !said {
			i.app.progress("waiting for %d pods to finish what they have", len(pods))
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err()
			}
			return &Error{Err: fmt.Errorf("after %s there are still pods of the parts", i.timeout), Code: ExitTimeout, Try: []string{"kubectl get pods -n " + i.namespace, "hotpod uninstall   # again"}}
		case <-time.After(rolloutPause):
		}
	}
}

// removeMade deletes what the parts made at work: functions' and builders' pods, their anchors, keys and leases.
func (i *installation) removeMade(ctx context.Context) error {
	for _, made := range []struct{ kind, namespace, selector string }{
		{"Pod", "", "executorType"}, {"Pod", "", "owner=buildmgr"}, {"ConfigMap", "", wire.LabelEnvironmentUID},
	} {
		items, err := i.objects.List(ctx, kube.ObjectRef{APIVersion: "v1", Kind: made.kind, Namespace: made.namespace}, made.selector)
		if apierrors.IsForbidden(err) {
			i.app.progress("! you may not list the %ss of functions: an administrator deletes those with the label %s", strings.ToLower(made.kind), made.selector)
			continue
		}
		if err != nil {
			return explainInstall(err, "look for what the parts made")
		}
		for n := range items {
			if err := i.remove(ctx, install.Ref{APIVersion: "v1", Kind: made.kind, Namespace: items[n].GetNamespace(), Name: items[n].GetName()}); err != nil {
				return err
			}
		}
	}
	refs := []install.Ref{
		{APIVersion: "v1", Kind: "Secret", Name: kube.ControlKeySecret}, {APIVersion: "v1", Kind: "ConfigMap", Name: kube.ControlKeySecret},
	}
	for _, part := range []string{"autoscaler", "controller", "timer", "kubewatcher"} {
		refs = append(refs, install.Ref{APIVersion: "coordination.k8s.io/v1", Kind: "Lease", Name: part})
	}
	if !i.keepData {
		refs = append(refs, install.Ref{APIVersion: "v1", Kind: "Secret", Name: kube.SharedSecret})
	}
	for _, r := range refs {
		r.Namespace = i.namespace
		if err := i.remove(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// removeNamespaces deletes the namespaces that the installation made, and returns those that stay because something is in them.
func (i *installation) removeNamespaces(ctx context.Context, namespaces []install.Ref) ([]string, error) {
	var kept []string
	for _, r := range namespaces {
		if !slices.Contains(i.previous.Made, r.Name) || i.keepData && r.Name == i.namespace {
			kept = append(kept, r.String())
			continue
		}
		others, err := i.others(ctx, r.Name)
		if err != nil {
			return kept, err
		}
		if others != "" {
			kept = append(kept, r.String()+" ("+others+" is in it)")
			continue
		}
		if err := i.remove(ctx, r); err != nil {
			return kept, err
		}
		if err := i.gone(ctx, r); err != nil {
			return kept, err
		}
	}
	return kept, nil
}

// gone waits until a namespace and what is in it are gone.
func (i *installation) gone(ctx context.Context, r install.Ref) error {
	if i.dryRun {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, i.timeout)
	defer cancel()
	for {
		there, err := i.objects.Get(ctx, kube.ObjectRef(r))
		if err != nil || there.GetDeletionTimestamp() == nil { // nobody may be asked, or the user may not delete it
			return nil
		}
		select {
		case <-ctx.Done():
			return &Error{Err: fmt.Errorf("after %s %s is still being removed", i.timeout, r), Code: ExitTimeout, Try: []string{"kubectl describe namespace " + r.Name}}
		case <-time.After(rolloutPause):
		}
	}
}

// others names something in a namespace that is not the platform's; "" when there is nothing.
func (i *installation) others(ctx context.Context, namespace string) (string, error) {
	for _, k := range []struct{ version, kind string }{{"apps/v1", "Deployment"}, {"apps/v1", "StatefulSet"}, {"v1", "Pod"}, {"v1", "PersistentVolumeClaim"}, {v1.GroupVersion.String(), "Function"}} {
		items, err := i.objects.List(ctx, kube.ObjectRef{APIVersion: k.version, Kind: k.kind, Namespace: namespace},
			"app.kubernetes.io/part-of!=hotpod,!executorType,owner!=buildmgr")
		if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return "", explainInstall(err, "look what is in namespace "+namespace)
		}
		if len(items) > 0 {
			return k.kind + " " + items[0].GetName(), nil
		}
	}
	return "", nil
}

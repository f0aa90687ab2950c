package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/install"
	"hotpod.dev/kube"
)

// checkRights finds out before anything is written whether the user may install everything, or only what is in the platform's
// namespace. In the second case it says what an administrator must apply, and whether that was done.
func (i *installation) checkRights(ctx context.Context) error {
	admin, own, err := install.AdminPart(i.values.Merge(install.Values{"namespaces": map[string]any{"create": true}}), i.namespace)
	if err != nil {
		return usageOf(err)
	}
	if !i.adminPart {
		lacking, err := i.lacking(ctx, own)
		if err != nil {
			return err
		}
		if len(lacking) > 0 {
			return hint(fmt.Errorf("you may not %s in namespace %s", strings.Join(lacking, ", "), i.namespace),
				"hotpod install -n NAMESPACE   # one in which you have the role admin", "kubectl auth can-i --list -n "+i.namespace)
		}
	}
	if i.namespaceOnly {
		return i.adminDone(ctx)
	}
	lacking, err := i.lacking(ctx, admin)
	if err != nil || len(lacking) == 0 {
		return err
	}
	if i.adminPart {
		return hint(fmt.Errorf("you may not %s", strings.Join(lacking, ", ")), i.adminCommand())
	}
	i.app.progress("you are no administrator of the cluster (you may not %s): only what is in namespace %s is installed", lacking[0], i.namespace)
	i.namespaceOnly = true
	return i.adminDone(ctx)
}

// lacking lists what the user may not do of what the objects need.
func (i *installation) lacking(ctx context.Context, objects []*unstructured.Unstructured) ([]string, error) {
	var asked []right
	var out []string
	for _, o := range objects {
		g := kube.ObjectRef(install.RefOf(o)).Resource()
		for _, verb := range []string{"create", "patch"} {
			r := right{g.Group, g.Resource, verb, o.GetNamespace()}
			if slices.Contains(asked, r) {
				continue
			}
			asked = append(asked, r)
			allowed, err := i.app.may(ctx, r)
			if err != nil {
				return nil, err
			}
			if !allowed {
				out = append(out, r.verb+" "+r.resource)
			}
		}
	}
	return slices.Compact(out), nil
}

// adminDone makes sure that an administrator applied what the user may not.
func (i *installation) adminDone(ctx context.Context) error {
	if _, err := i.app.clients.Core().Get().AbsPath("/apis/" + v1.GroupVersion.String()).DoRaw(ctx); err == nil {
		i.app.progress("! an administrator keeps the other part up to date: %s", i.adminCommand())
		return nil
	}
	return hint(fmt.Errorf("the cluster does not know %s: an administrator must apply a part of the installation first", v1.GroupVersion), i.adminCommand())
}

// adminCommand is what an administrator runs.
func (i *installation) adminCommand() string {
	command := []string{"hotpod install --admin-part -n " + i.namespace}
	for _, f := range i.files {
		command = append(command, "--values "+f)
	}
	for _, s := range i.set {
		command = append(command, "--set '"+s+"'")
	}
	return strings.Join(append(command, "-o yaml | kubectl apply --server-side -f -"), " ")
}

package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"hotpod.dev/install"
	"hotpod.dev/kube"
)

// applyAll writes the objects, in their order. Before the first one the inventory names all that may be there from now on, so
// that an installation that breaks off can be removed too.
func (i *installation) applyAll(ctx context.Context, objects []*unstructured.Unstructured, inventory *install.Inventory) error {
	i.changed, i.same, i.created = map[string]int{}, map[string]int{}, map[string]int{}
	if i.previous != nil {
		inventory.Made = slices.Clone(i.previous.Made)
	}
	kept := false
	for n, o := range objects {
		if o.GetKind() != "Namespace" && !kept && !i.adminPart {
			if err := i.keep(ctx, *inventory); err != nil {
				return err
			}
			kept = true
		}
		result, err := i.applyOne(ctx, o)
		if err != nil {
			return explainInstall(err, "apply "+install.RefOf(o).String())
		}
		if result == "new" && o.GetKind() == "Namespace" {
			inventory.Made = append(inventory.Made, o.GetName())
		}
		if i.dryRun && result != "as it was" {
			fmt.Fprintf(i.app.Out, "%s would be %s\n", install.RefOf(o), result)
		}
		i.app.verbosef("%s is %s", install.RefOf(o), result)
		if last := n == len(objects)-1; last || objects[n+1].GetKind() != o.GetKind() {
			i.told(o.GetKind())
		}
	}
	return nil
}

// keep writes the inventory, with what an earlier one has beside it.
func (i *installation) keep(ctx context.Context, inventory install.Inventory) error {
	if i.dryRun {
		return nil
	}
	if i.previous != nil {
		inventory.Objects = install.Union(inventory.Objects, i.previous.Objects)
	}
	o, err := inventory.Object(i.namespace)
	if err != nil {
		return err
	}
	if _, err := i.objects.Apply(ctx, o, installManager, false); err != nil {
		return explainInstall(err, "keep the list of what is installed")
	}
	return nil
}

// told says how the objects of a kind went.
func (i *installation) told(kind string) {
	i.app.progress("√ %s: %d new, %d changed, %d as they were", kind, i.created[kind], i.changed[kind], i.same[kind])
}

// applyOne writes an object and returns whether it is new, changed or as it was.
func (i *installation) applyOne(ctx context.Context, o *unstructured.Unstructured) (string, error) {
	r := kube.ObjectRef(install.RefOf(o))
	before, err := i.objects.Get(ctx, r)
	if apierrors.IsNotFound(err) {
		before, err = nil, nil
	}
	if err != nil {
		return "", err
	}
	now, err := i.objects.Apply(ctx, o, installManager, i.dryRun)
	if before != nil && apierrors.IsInvalid(err) && strings.HasSuffix(r.Kind, "RoleBinding") {
		// What a binding binds cannot be changed: it is made anew.
		if err = i.objects.Delete(ctx, r, i.dryRun); err == nil && !i.dryRun {
			now, err = i.objects.Apply(ctx, o, installManager, false)
		}
	}
	if i.dryRun && before == nil && apierrors.IsNotFound(err) {
		err = nil // its namespace would be made before
	}
	if err != nil {
		return "", err
	}
	switch {
	case before == nil:
		i.created[r.Kind]++
		return "new", nil
	case alike(before, now):
		i.same[r.Kind]++
		return "as it was", nil
	default:
		i.changed[r.Kind]++
		return "changed", nil
	}
}

// alike reports whether applying changed nothing but who owns which field.
func alike(before, now *unstructured.Unstructured) bool {
	if now == nil {
		return false
	}
	a, b := before.DeepCopy(), now.DeepCopy()
	for _, o := range []*unstructured.Unstructured{a, b} {
		o.SetManagedFields(nil)
		o.SetGeneration(0)
		o.SetResourceVersion("")
	}
	return equality.Semantic.DeepEqual(a.Object, b.Object)
}

// prune deletes what an earlier version had and this one has not, and writes the inventory.
func (i *installation) prune(ctx context.Context, inventory *install.Inventory) error {
	if i.adminPart {
		return nil
	}
	if i.previous != nil {
		for _, r := range i.previous.Gone(inventory.Objects) {
			if i.namespaceOnly && r.Namespace != i.namespace {
				inventory.Objects = append(inventory.Objects, r) // an administrator's
				continue
			}
			if i.dryRun {
				fmt.Fprintf(i.app.Out, "%s would be deleted\n", r)
			}
			if err := i.objects.Delete(ctx, kube.ObjectRef(r), i.dryRun); err != nil && !apierrors.IsNotFound(err) {
				return explainInstall(err, "delete "+r.String()+", which is no more part of the platform")
			}
			i.app.progress("√ %s is not needed any more", r)
		}
	}
	i.previous = nil
	return i.keep(ctx, *inventory)
}

// explainInstall says in words what stopped an installation, and what to do.
func explainInstall(err error, doing string) error {
	wrapped := fmt.Errorf("%s: %w", doing, err)
	text := err.Error()
	has := func(part string) bool { return strings.Contains(text, part) }
	switch {
	case has("exceeded quota") || has("exceeded its quota"):
		return hint(wrapped, "ask for a larger quota of the namespace", "hotpod install --set parts.NAME.resources.requests.memory=…   # or fewer parts.NAME.replicas")
	case has("attempting to grant RBAC permissions"):
		return hint(wrapped, "have an administrator apply it: hotpod install --admin-part -o yaml", "ask for the role admin in the namespace")
	case has("violates PodSecurity") || has("unable to validate against any security context constraint"):
		return hint(wrapped, "on OpenShift: hotpod install --set platform=OpenShift")
	case has("is being terminated"):
		return hint(wrapped, "the namespace is still being removed: wait until kubectl get namespaces does not show it any more")
	case has("denied the request") || has("ValidatingAdmissionPolicy"):
		return hint(wrapped, "the cluster's admission refuses it: ask whoever runs that policy to let it pass")
	case apierrors.IsForbidden(err):
		return hint(wrapped, "hotpod check --pre   # says which rights are missing", "hotpod install --namespace-only   # an administrator applies the rest")
	case apierrors.IsInvalid(err) && (has("immutable") || has("is forbidden after creation")):
		return hint(wrapped, "the field cannot be changed: take the value back, or delete the object and install again")
	case apierrors.IsNotFound(err) && has("namespaces "):
		return hint(wrapped, "kubectl create namespace …   # oc new-project … on OpenShift")
	case apierrors.IsNotFound(err) && has("could not find the requested resource"):
		return hint(wrapped, "the cluster does not know this kind: install what serves it, or choose another expose.type or monitoring.variant")
	default:
		return wrapped
	}
}

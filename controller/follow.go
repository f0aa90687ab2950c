package controller

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
)

// AnnotationNoFollow keeps a function on the package version that it names, when it is "true".
const AnnotationNoFollow = "fission.io/disable-package-auto-follow"

// follows reports whether a function is to run its package's present code.
func follows(f *v1.Function) bool {
	return f.Annotations[AnnotationNoFollow] != "true" && f.Executor() != v1.ExecutorContainer
}

// stale returns the resource version that f must name to run the package's present code, "" when it does so or must
// not be touched. A package counts once its status speaks of its present spec, so that writes of status roll nothing.
func stale(f *v1.Function, p *v1.Package) string {
	if p == nil || !follows(f) {
		return ""
	}
	if reason, _ := p.Blocked(); reason != "" || p.Status.ObservedGeneration != p.Generation {
		return ""
	}
	wanted, have := p.Status.SpecResourceVersion, f.Spec.Package.PackageRef.ResourceVersion
	if have != "" && (!kube.Older(have, wanted) || superseded(p)) {
		return ""
	}
	return wanted
}

// superseded reports whether what there is to load was built from another source than the package has now.
func superseded(p *v1.Package) bool {
	s := p.Status.BuildStatus
	return s == v1.BuildPending || s == v1.BuildRunning || s == v1.BuildFailed
}

// follow makes the function name the present version of its package, which makes a new generation of the function.
// It reports whether it did so, and whether a manifest forbids it: that would be applied again and again, against us.
func (c *Controller) follow(ctx context.Context, f *v1.Function, p *v1.Package) (changed, pinned bool, err error) {
	wanted := stale(f, p)
	if wanted == "" {
		return false, false, nil
	}
	functions := c.clients.Functions(f.Namespace)
	if f.Spec.Package.PackageRef.ResourceVersion != "" {
		live, err := functions.Get(ctx, f.Name, metav1.GetOptions{}) // the informer keeps no managed fields
		if err != nil {
			return false, false, fmt.Errorf("read function %s/%s: %w", f.Namespace, f.Name, err)
		}
		if declared(live.ManagedFields) {
			return false, true, nil
		}
	}
	spec := map[string]any{"package": map[string]any{"packageref": map[string]any{"resourceversion": wanted}}}
	if err := kube.ApplySpec(ctx, functions, f, spec); err != nil {
		return false, false, err
	}
	c.log.Info("function follows its package", "namespace", f.Namespace, "function", f.Name,
		"package", p.Name, "resource_version", wanted)
	return true, false, nil
}

// clientSideApply is the field manager of kubectl apply without --server-side.
const clientSideApply = "kubectl-client-side-apply"

// declared reports whether somebody's manifest holds the version: a manifest is applied, as opposed to a field that
// a program has set.
func declared(managers []metav1.ManagedFieldsEntry) bool {
	for _, m := range managers {
		applied := m.Operation == metav1.ManagedFieldsOperationApply || m.Manager == clientSideApply
		if m.Manager != kube.FieldOwner && applied && m.FieldsV1 != nil && ownsVersion(m.FieldsV1) {
			return true
		}
	}
	return false
}

func ownsVersion(fields *metav1.FieldsV1) bool {
	var node map[string]any
	if json.Unmarshal(fields.GetRawBytes(), &node) != nil {
		return false
	}
	for _, name := range []string{"f:spec", "f:package", "f:packageref", "f:resourceversion"} {
		next, ok := node[name].(map[string]any)
		if !ok {
			return false
		}
		node = next
	}
	return true
}

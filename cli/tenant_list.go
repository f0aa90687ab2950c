package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"hotpod.dev/kube"
	"hotpod.dev/manifests/tenant"
)

// tenantRow is a namespace that has something of a tenant, and what.
type tenantRow struct {
	namespace, by string
	there, wanted int
}

func (a *app) tenantList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the namespaces in which functions can live, as far as you may see them", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := a.cluster(); err != nil {
				return err
			}
			rows, err := a.tenants(cmd.Context())
			if err != nil {
				return err
			}
			return printTable(a.Out, []column[tenantRow]{
				{"NAMESPACE", false, func(r tenantRow) string { return r.namespace }},
				{"OBJECTS", false, func(r tenantRow) string { return fmt.Sprintf("%d/%d", r.there, r.wanted) }},
				{"BY", false, func(r tenantRow) string { return dash(r.by) }},
			}, rows, "", true)
		},
	}
}

// tenants finds the namespaces by the objects that make them tenants; in all, or in the chosen one by whoever may not see all.
func (a *app) tenants(ctx context.Context) ([]tenantRow, error) {
	foreign, err := kube.NewForeign(a.clients)
	if err != nil {
		return nil, err
	}
	wanted, err := tenant.Objects("", a.partsNamespace(), byCommand)
	if err != nil {
		return nil, err
	}
	rows := map[string]*tenantRow{}
	asked := map[string]bool{}
	for _, w := range wanted {
		if asked[w.GetKind()] {
			continue
		}
		asked[w.GetKind()] = true
		found, err := foreign.List(ctx, w.GroupVersionKind(), "", "")
		if apierrors.IsForbidden(err) {
			found, err = foreign.List(ctx, w.GroupVersionKind(), a.namespace, "")
		}
		if err != nil {
			return nil, err
		}
		for i := range found {
			countTenant(rows, &found[i], wanted)
		}
	}
	out := make([]tenantRow, 0, len(rows))
	for _, r := range rows {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(x, y tenantRow) int { return cmp.Compare(x.namespace, y.namespace) })
	return out, nil
}

func countTenant(rows map[string]*tenantRow, o *unstructured.Unstructured, wanted []*unstructured.Unstructured) {
	for _, w := range wanted {
		if w.GetKind() != o.GetKind() || w.GetName() != o.GetName() || roleOf(w) != roleOf(o) {
			continue
		}
		r := rows[o.GetNamespace()]
		if r == nil {
			r = &tenantRow{namespace: o.GetNamespace(), wanted: len(wanted)}
			rows[r.namespace] = r
		}
		r.there++
		r.by = cmp.Or(r.by, o.GetLabels()[tenant.LabelManagedBy])
	}
}

// roleOf is what a binding binds, which cannot be changed; empty for other kinds.
func roleOf(o *unstructured.Unstructured) string {
	role, _, _ := unstructured.NestedString(o.Object, "roleRef", "name")
	return role
}

func (a *app) tenantDescribe() *cobra.Command {
	return &cobra.Command{
		Use: "describe NAMESPACE", Aliases: []string{"status"}, Short: "Say whether functions can live in a namespace and, if not, what is missing",
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom("namespace", args, "")
			if err != nil {
				return err
			}
			return a.describeTenant(cmd.Context(), name)
		},
	}
}

func (a *app) describeTenant(ctx context.Context, namespace string) error {
	if _, err := a.cluster(); err != nil {
		return err
	}
	wanted, there, err := a.tenantObjects(ctx, namespace)
	if err != nil {
		return err
	}
	missing := 0
	for i := range wanted {
		if there[i] == nil {
			missing++
		}
	}
	if missing == 0 {
		fmt.Fprintf(a.Out, "TENANT  functions can live in namespace %s\n\n", namespace)
	} else {
		fmt.Fprintf(a.Out, "NOT A TENANT  %d of %d objects are missing in namespace %s\n  fix: hotpod tenant create %s\n\n", missing, len(wanted), namespace, namespace)
	}
	for i, w := range wanted {
		state := "missing"
		if there[i] != nil {
			state = "there, by " + cmp.Or(there[i].GetLabels()[tenant.LabelManagedBy], "the installation or a manifest")
		}
		fmt.Fprintf(a.Out, "%-14s %-20s %s\n", w.GetKind(), w.GetName(), state)
	}
	if t, err := a.clients.FissionTenants().Get(ctx, namespace, metav1.GetOptions{}); err == nil {
		writeConditions(a.Out, t.Status.Conditions)
	}
	return nil
}

// tenantObjects returns what a namespace needs, and what of it is there: nil where it is missing.
func (a *app) tenantObjects(ctx context.Context, namespace string) (wanted, there []*unstructured.Unstructured, err error) {
	if wanted, err = tenant.Objects(namespace, a.partsNamespace(), byCommand); err != nil {
		return nil, nil, err
	}
	foreign, err := kube.NewForeign(a.clients)
	if err != nil {
		return nil, nil, err
	}
	for _, w := range wanted {
		o, err := foreign.Get(ctx, w)
		if err != nil {
			return nil, nil, err
		}
		if o != nil && roleOf(o) != roleOf(w) {
			o = nil
		}
		there = append(there, o)
	}
	return wanted, there, nil
}

func (a *app) tenantDelete() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use: "delete NAMESPACE", Aliases: []string{"disable"}, Short: "Take the parts' rights in a namespace away; the namespace stays",
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom("namespace", args, "")
			if err != nil {
				return err
			}
			return a.deleteTenant(cmd.Context(), name, force)
		},
	}
	cmd.Flags().BoolVarP(&force, "force", "f", false, "also while it has functions, and what the installation or a manifest brought")
	return cmd
}

func (a *app) deleteTenant(ctx context.Context, namespace string, force bool) error {
	clients, err := a.cluster()
	if err != nil {
		return err
	}
	functions, err := clients.Functions(namespace).List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return fmt.Errorf("look for functions: %w", err)
	}
	if len(functions.Items) > 0 && !force {
		return hint(fmt.Errorf("namespace %s has functions, which would get no pods any more", namespace),
			"hotpod function list -n "+namespace, "hotpod tenant delete "+namespace+" --force")
	}
	if err := a.undeclareTenant(ctx, namespace); err != nil {
		return err
	}
	_, there, err := a.tenantObjects(ctx, namespace)
	if err != nil {
		return err
	}
	foreign, err := kube.NewForeign(clients)
	if err != nil {
		return err
	}
	for _, o := range there {
		switch {
		case o == nil:
			continue
		case o.GetLabels()[tenant.LabelManagedBy] == "" && !force:
			return hint(fmt.Errorf("%s %s was brought by the installation or a manifest", o.GetKind(), o.GetName()), "hotpod tenant delete "+namespace+" --force")
		}
		if err := foreign.Delete(ctx, o); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(a.Out, "tenant %q deleted\n", namespace)
	return err
}

// undeclareTenant deletes the FissionTenant of a namespace, if there is one that the user may see.
func (a *app) undeclareTenant(ctx context.Context, namespace string) error {
	list, err := a.clients.FissionTenants().List(ctx, metav1.ListOptions{})
	if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for FissionTenants: %w", err)
	}
	for _, t := range list.Items {
		if t.Spec.Namespace != namespace {
			continue
		}
		if err := a.clients.FissionTenants().Delete(ctx, t.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("delete FissionTenant %s: %w", t.Name, err)
		}
	}
	return nil
}

package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
	"hotpod.dev/manifests/tenant"
)

// byCommand says on a tenant's objects that this command brought them.
const byCommand = "hotpod"

// partsNamespace is the namespace of the parts where one must be named.
func (a *app) partsNamespace() string { return cmp.Or(a.platformNamespace(), "fission") }

func (a *app) tenantCommand() *cobra.Command {
	return group("tenant", "Let functions live in a namespace, with your own rights there", nil,
		a.tenantCreate(), a.tenantList(), a.tenantDescribe(), a.tenantDelete())
}

func (a *app) tenantCreate() *cobra.Command {
	return &cobra.Command{
		Use: "create NAMESPACE", Aliases: []string{"enable"}, Short: "Let functions live in a namespace, which is created when it is missing",
		Long: "Let functions live in a namespace: the parts get their rights there, and policies say who may connect with functions' pods.\n" +
			"It takes no more than the role admin in that namespace. One that is missing is created; on OpenShift it is requested as a project.",
		Example: "  hotpod tenant create team",
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom("namespace", args, "")
			if err != nil {
				return err
			}
			return a.createTenant(cmd.Context(), name)
		},
	}
}

func (a *app) createTenant(ctx context.Context, name string) error {
	if err := checkName("namespace", name); err != nil {
		return err
	}
	if _, err := a.cluster(); err != nil {
		return err
	}
	fresh, err := a.ensureNamespace(ctx, name)
	if err != nil {
		return err
	}
	if err := a.provision(ctx, name, fresh); err != nil {
		return err
	}
	if err := a.declareTenant(ctx, name); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Out, "tenant %q created\n", name)
	return err
}

// ensureNamespace makes the namespace if it is missing, as a project where there are projects, and says whether it did so.
func (a *app) ensureNamespace(ctx context.Context, name string) (fresh bool, err error) {
	_, err = a.clients.Namespaces().Get(ctx, name, metav1.GetOptions{})
	projects := a.hasProjects(ctx)
	switch {
	case err == nil:
		return false, nil
	case projects && (apierrors.IsNotFound(err) || apierrors.IsForbidden(err)): // a project that is another's looks like none
		return true, a.requestProject(ctx, name)
	case apierrors.IsForbidden(err): // whoever may not look at it may work in it all the same
		return false, nil
	case !apierrors.IsNotFound(err):
		return false, fmt.Errorf("look for namespace %s: %w", name, err)
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}}}
	if _, err := a.clients.Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
		return false, fmt.Errorf("create namespace %s: %w", name, err)
	}
	fmt.Fprintf(a.Out, "namespace %q created\n", name)
	return true, nil
}

const (
	projectAPI = "/apis/project.openshift.io/v1"
	// projectTime bounds the wait for the rights in a project that was just requested.
	projectTime = 30 * time.Second
)

// hasProjects reports whether the cluster is an OpenShift.
func (a *app) hasProjects(ctx context.Context) bool {
	return a.clients.Core().Get().AbsPath(projectAPI).Do(ctx).Error() == nil
}

// requestProject asks for a project, which every user of an OpenShift may who is not forbidden to.
func (a *app) requestProject(ctx context.Context, name string) error {
	body, err := json.Marshal(map[string]any{
		"apiVersion": "project.openshift.io/v1", "kind": "ProjectRequest", "metadata": map[string]string{"name": name},
	})
	if err == nil {
		err = a.clients.Core().Post().AbsPath(projectAPI+"/projectrequests").
			SetHeader("Content-Type", "application/json").Body(body).Do(ctx).Error()
	}
	if apierrors.IsAlreadyExists(err) {
		return hint(fmt.Errorf("project %q exists and is not yours", name), "oc get projects")
	}
	if err != nil {
		return fmt.Errorf("request project %s: %w", name, err)
	}
	fmt.Fprintf(a.Out, "project %q requested\n", name)
	return nil
}

// provision brings a namespace what the parts need there. In a fresh one the user's rights may come a moment later.
func (a *app) provision(ctx context.Context, namespace string, fresh bool) error {
	objects, err := tenant.Objects(namespace, a.partsNamespace(), byCommand)
	if err != nil {
		return err
	}
	foreign, err := kube.NewForeign(a.clients)
	if err != nil {
		return err
	}
	deadline := a.now().Add(projectTime)
	for _, o := range objects {
		err := foreign.Apply(ctx, o, byCommand)
		for fresh && apierrors.IsForbidden(err) && a.now().Before(deadline) {
			select {
			case <-time.After(200 * time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
			err = foreign.Apply(ctx, o, byCommand)
		}
		if apierrors.IsForbidden(err) {
			return hint(err, "ask for the role admin in namespace "+namespace)
		}
		if err != nil {
			return err
		}
		a.verbosef("%s %s applied", o.GetKind(), o.GetName())
	}
	return nil
}

// declareTenant writes the tenant down where the user may, so that a controller that looks after tenants keeps it.
func (a *app) declareTenant(ctx context.Context, namespace string) error {
	t := &v1.FissionTenant{ObjectMeta: metav1.ObjectMeta{Name: namespace}, Spec: v1.FissionTenantSpec{Namespace: namespace}}
	_, err := a.clients.FissionTenants().Create(ctx, t, metav1.CreateOptions{})
	if err == nil || apierrors.IsAlreadyExists(err) {
		return nil
	}
	if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) {
		a.verbosef("no FissionTenant was made: %v", err)
		return nil
	}
	return fmt.Errorf("create FissionTenant %s: %w", namespace, err)
}

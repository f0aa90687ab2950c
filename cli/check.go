package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/version"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// oldestKubernetes is what the manifests need.
const oldestKubernetes = "1.30.0"

// checkup is a list of findings.
type checkup struct {
	app    *app
	failed int
}

// found tells one finding; err says what is wrong.
func (c *checkup) found(what string, err error) {
	if err != nil {
		c.failed++
		fmt.Fprintf(c.app.Out, "× %s: %s\n", what, diagnose(err))
		return
	}
	fmt.Fprintf(c.app.Out, "√ %s\n", what)
}

// doubt tells what may be wrong and does not make the check fail.
func (c *checkup) doubt(format string, args ...any) {
	fmt.Fprintf(c.app.Out, "! %s\n", fmt.Sprintf(format, args...))
}

func (a *app) checkCommand() *cobra.Command {
	var pre bool
	cmd := &cobra.Command{
		Use: "check", Short: "Check that the platform works; with --pre, that it can be installed", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			namespace := (&installation{app: a}).platform(pre)
			clients, err := a.cluster()
			if err != nil {
				return err
			}
			c := &checkup{app: a}
			data, err := clients.Core().Get().AbsPath("/version").DoRaw(cmd.Context())
			if err != nil {
				return fmt.Errorf("ask the Kubernetes API server for its version: %w", err)
			}
			c.kubernetes(data)
			if pre {
				c.installable(cmd.Context(), namespace)
				c.before(cmd.Context(), namespace)
			} else {
				c.rights(cmd.Context())
				c.kinds(cmd.Context())
				c.versions(cmd.Context(), namespace)
				c.parts(cmd.Context())
				c.connected(cmd.Context())
				c.router(cmd.Context())
				c.stores(cmd.Context())
				c.environments(cmd.Context())
			}
			if c.failed > 0 {
				return fmt.Errorf("%d checks failed", c.failed)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&pre, "pre", false, "only what an installation needs")
	return cmd
}

func (c *checkup) kubernetes(data []byte) {
	var info struct {
		GitVersion string `json:"gitVersion"`
	}
	err := json.Unmarshal(data, &info)
	if err == nil {
		var v *version.Version
		if v, err = version.ParseGeneric(info.GitVersion); err == nil && v.LessThan(version.MustParseGeneric(oldestKubernetes)) {
			err = fmt.Errorf("%s or newer is needed", oldestKubernetes)
		}
	}
	c.found("Kubernetes "+info.GitVersion, err)
}

// kinds checks that the API server knows all kinds of Hotpod.
func (c *checkup) kinds(ctx context.Context) {
	data, err := c.app.clients.Core().Get().AbsPath("/apis/" + v1.GroupVersion.String()).DoRaw(ctx)
	var known metav1.APIResourceList
	if err == nil {
		err = json.Unmarshal(data, &known)
	}
	wanted := []string{
		v1.ResourceEnvironments, v1.ResourcePackages, v1.ResourceFunctions, v1.ResourceHTTPTriggers,
		v1.ResourceTimeTriggers, v1.ResourceKubernetesWatchTriggers,
	}
	missing := slices.DeleteFunc(slices.Clone(wanted), func(name string) bool {
		return slices.ContainsFunc(known.APIResources, func(r metav1.APIResource) bool { return r.Name == name })
	})
	if err == nil && len(missing) > 0 {
		err = errors.New("the API server does not know " + strings.Join(missing, ", "))
	}
	c.found(fmt.Sprintf("custom resources %d/%d", len(wanted)-len(missing), len(wanted)), err)
}

// platformParts are the parts without which functions cannot be called or changed, or triggers do not call, by their label.
func platformParts() []string {
	return []string{"router", "xds", "activator", "autoscaler", "controller", "storagesvc", "logger", "timer", "kubewatcher"}
}

// parts checks that every part has a pod that is ready.
func (c *checkup) parts(ctx context.Context) {
	pods, err := c.app.clients.Pods(c.app.platformNamespace()).List(ctx, metav1.ListOptions{LabelSelector: labelComponent})
	if err != nil {
		c.found("parts", err)
		return
	}
	for _, part := range platformParts() {
		ready, all, reason := 0, 0, ""
		for i := range pods.Items {
			p := &pods.Items[i]
			if p.Labels[labelComponent] != part || p.DeletionTimestamp != nil {
				continue
			}
			all++
			if podIsReady(p) {
				ready++
			} else {
				reason = p.Name + " is " + podTrouble(p)
			}
		}
		switch {
		case all == 0:
			c.found(part, errors.New("no pod runs"))
		case ready == 0:
			c.found(part, errors.New(reason))
		default:
			c.found(fmt.Sprintf("%s %d/%d", part, ready, all), nil)
		}
	}
}

// labelComponent says on a pod which part it runs.
const labelComponent = "hotpod.dev/component"

func podIsReady(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// podTrouble says why a pod is not ready.
func podTrouble(p *corev1.Pod) string {
	for _, s := range p.Status.ContainerStatuses {
		if s.State.Waiting != nil {
			return s.State.Waiting.Reason + " " + s.State.Waiting.Message
		}
		if s.State.Terminated != nil {
			return s.State.Terminated.Reason
		}
	}
	return "not ready (" + string(p.Status.Phase) + ")"
}

// router checks that Envoy answers, and whether it is of this command's version.
func (c *checkup) router(ctx context.Context) {
	server, err := c.app.serverVersion(ctx)
	c.found("router answers", err)
	if err == nil && server.Build.Version != wire.Version() {
		c.doubt("the platform is of version %s, this command of %s", dash(server.Build.Version), wire.Version())
	}
}

// environments checks that functions can run in the environments that there are.
func (c *checkup) environments(ctx context.Context) {
	list, err := c.app.clients.Environments(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		c.doubt("environments cannot be listed: %s", diagnose(err))
		return
	}
	for i := range list.Items {
		e := &list.Items[i]
		if r := meta.FindStatusCondition(e.Status.Conditions, v1.ConditionReady); r != nil && r.Status == metav1.ConditionFalse {
			c.doubt("environment %s/%s is not ready: %s: %s", e.Namespace, e.Name, r.Reason, headline(r.Message))
		}
	}
}

// rights checks that the user may make functions.
func (c *checkup) rights(ctx context.Context) {
	for _, resource := range []string{v1.ResourceFunctions, v1.ResourceHTTPTriggers} {
		allowed, err := c.app.may(ctx, right{v1.GroupVersion.Group, resource, "create", c.app.namespace})
		if err == nil && !allowed {
			err = errors.New("you may not")
		}
		c.found("may create "+resource, err)
	}
}

// forbidden reports whether the user may not know; only some checks fail for that.
func forbidden(err error) bool { return apierrors.IsForbidden(err) }

// right is something that a user may or may not do.
type right struct{ group, resource, verb, namespace string }

// may asks the API server whether the user may do something.
func (a *app) may(ctx context.Context, r right) (bool, error) {
	review := map[string]any{
		"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
		"spec": map[string]any{"resourceAttributes": map[string]string{
			"group": r.group, "resource": r.resource, "verb": r.verb, "namespace": r.namespace,
		}},
	}
	body, err := json.Marshal(review)
	if err != nil {
		return false, fmt.Errorf("ask for rights: %w", err)
	}
	data, err := a.clients.Core().Post().AbsPath("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews").
		SetHeader("Content-Type", "application/json").Body(body).DoRaw(ctx)
	if err != nil {
		return false, fmt.Errorf("ask for rights: %w", err)
	}
	var answer struct {
		Status struct {
			Allowed bool `json:"allowed"`
		} `json:"status"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return false, fmt.Errorf("ask for rights: %w", err)
	}
	return answer.Status.Allowed, nil
}

package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// facts are what describe knows of a function; nil where an object is missing.
type facts struct {
	function    *v1.Function
	environment *v1.Environment
	pkg         *v1.Package
	pods        []corev1.Pod
	warm        int
	routes      []v1.HTTPTrigger
}

func (a *app) functionDescribe() *cobra.Command {
	var name string
	n := a.functions()
	cmd := &cobra.Command{
		Use: "describe NAME", Short: "Say whether a function can be called now and, if not, why", ValidArgsFunction: n.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom("function", args, name)
			if err != nil {
				return err
			}
			fn, err := n.get(cmd.Context(), name)
			if err != nil {
				return err
			}
			f, err := a.gather(cmd.Context(), fn)
			if err != nil {
				return err
			}
			a.describe(a.Out, f)
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "name")
	return cmd
}

// gather reads everything that belongs to the function.
func (a *app) gather(ctx context.Context, fn *v1.Function) (facts, error) {
	f := facts{function: fn}
	var err error
	if name := fn.Spec.Environment.Name; name != "" {
		if f.environment, err = optional(a.clients.Environments(fn.Namespace).Get(ctx, name, metav1.GetOptions{})); err != nil {
			return f, fmt.Errorf("read environment: %w", err)
		}
	}
	if name := fn.Spec.Package.PackageRef.Name; name != "" {
		if f.pkg, err = optional(a.clients.Packages(fn.Namespace).Get(ctx, name, metav1.GetOptions{})); err != nil {
			return f, fmt.Errorf("read package: %w", err)
		}
	}
	if f.pods, err = a.podsOf(ctx, string(fn.UID)); err != nil {
		return f, fmt.Errorf("list pods: %w", err)
	}
	if f.environment != nil && fn.Executor() == v1.ExecutorPool {
		f.warm, err = a.warmPods(ctx, f.environment)
		if err != nil {
			return f, err
		}
	}
	list, err := a.clients.HTTPTriggers(fn.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return f, fmt.Errorf("list routes: %w", err)
	}
	f.routes = slices.DeleteFunc(list.Items, func(t v1.HTTPTrigger) bool { return !callsFunction(&t, fn.Name) })
	return f, nil
}

// optional turns "not found" into nil.
func optional[T any](obj *T, err error) (*T, error) {
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return obj, err
}

func callsFunction(t *v1.HTTPTrigger, function string) bool {
	ref := t.Spec.FunctionReference
	_, weighted := ref.FunctionWeights[function]
	return ref.Name == function || weighted
}

func (a *app) warmPods(ctx context.Context, env *v1.Environment) (int, error) {
	list, err := a.clients.Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{
		LabelSelector: wire.LabelEnvironmentUID + "=" + string(env.UID) + "," + wire.LabelState + "=" + string(wire.StateWarm) +
			"," + wire.LabelExecutorType + "=" + v1.ExecutorPool,
	})
	if apierrors.IsForbidden(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("list warm pods: %w", err)
	}
	warm := 0
	for i := range list.Items {
		if podReady(&list.Items[i]) == fmt.Sprintf("%d/%d", len(list.Items[i].Spec.Containers), len(list.Items[i].Spec.Containers)) {
			warm++
		}
	}
	return warm, nil
}

// verdict says in a line whether the function can be called now; fix is the next command when it cannot.
func (f facts) verdict() (line, fix string) {
	fn := f.function
	ready := meta.FindStatusCondition(fn.Status.Conditions, v1.ConditionReady)
	switch {
	case f.environment == nil && fn.Executor() != v1.ExecutorContainer:
		return fmt.Sprintf("NOT CALLABLE  environment %q does not exist", fn.Spec.Environment.Name),
			"hotpod env create --name " + dash(fn.Spec.Environment.Name) + " --image …"
	case f.pkg == nil && fn.Executor() != v1.ExecutorContainer:
		return fmt.Sprintf("NOT CALLABLE  package %q does not exist", fn.Spec.Package.PackageRef.Name),
			"hotpod function update " + fn.Name + " --code …"
	case ready == nil || fn.Status.ObservedGeneration < fn.Generation:
		return "UNKNOWN  the platform has not yet looked at this generation", "hotpod local status"
	case ready.Status != metav1.ConditionTrue:
		return "NOT CALLABLE  " + ready.Reason + ": " + headline(ready.Message), fixFor(ready.Reason, fn)
	}
	hot := f.hot()
	switch {
	case hot > 0:
		return fmt.Sprintf("CALLABLE  %d hot pod(s) answer at once", hot), ""
	case f.warm > 0:
		return fmt.Sprintf("CALLABLE  scaled to zero; the next request takes one of %d warm pod(s)", f.warm), ""
	case fn.Executor() != v1.ExecutorPool:
		return "CALLABLE  no hot pod; the next request waits for a pod to start", ""
	default:
		return "CALLABLE  scaled to zero and no warm pod; the next request waits for a pod to start", "hotpod env pods " + fn.Spec.Environment.Name
	}
}

func fixFor(reason string, fn *v1.Function) string {
	switch reason {
	case v1.ReasonPoolUnavailable:
		if fn.Executor() != v1.ExecutorPool {
			return "hotpod fn pods " + fn.Name
		}
		return "hotpod env pods " + fn.Spec.Environment.Name
	case v1.ReasonSpecializationFailed:
		return "mend the code, then  hotpod function update " + fn.Name + " --code …"
	case v1.ReasonPackageBuildFailed, v1.ReasonPackageBuildPending, v1.ReasonPackageNotFound:
		return "hotpod package info " + dash(fn.Spec.Package.PackageRef.Name)
	default:
		return ""
	}
}

func (f facts) hot() int {
	n := 0
	for i := range f.pods {
		if podState(&f.pods[i]) == string(wire.StateHot) {
			n++
		}
	}
	return n
}

// describe writes the verdict, then the facts.
func (a *app) describe(w io.Writer, f facts) {
	fn := f.function
	line, fix := f.verdict()
	fmt.Fprintln(w, line)
	if fix != "" {
		fmt.Fprintln(w, "  fix: "+fix)
	}
	fmt.Fprintf(w, "\nName:         %s\nNamespace:    %s\nGeneration:   %d\nExecutor:     %s\nEnvironment:  %s\nPackage:      %s\nEntry point:  %s\n",
		fn.Name, fn.Namespace, fn.Generation, fn.Executor(), dash(fn.Spec.Environment.Name), dash(fn.Spec.Package.PackageRef.Name), dash(fn.Spec.Package.FunctionName))
	fmt.Fprintln(w, "Scale:        "+strings.Join(f.scale(a.now()), "\n              "))
	fmt.Fprintf(w, "Timeouts:     %s to run, %s to wait for a pod\n", fn.RunTimeout(), fn.HoldTimeout())
	fmt.Fprint(w, serviceLine(fn))
	writeConditions(w, fn.Status.Conditions)
	fmt.Fprintln(w, "Routes:")
	for i := range f.routes {
		t := &f.routes[i]
		fmt.Fprintf(w, "  %-20s %s %s  ready: %s\n", t.Name, strings.Join(triggerMethods(t), ","), t.Spec.Host+triggerPath(t), ready(t.Status.Conditions))
	}
	fmt.Fprintln(w, "Pods:")
	for i := range f.pods {
		p := &f.pods[i]
		fmt.Fprintf(w, "  %-40s %-12s generation %s  %s\n", p.Name, podState(p), dash(p.Labels[wire.LabelFunctionGeneration]), age(p.CreationTimestamp, a.now()))
	}
}

// requestsPerPod is the limit as a person reads it.
func requestsPerPod(fn *v1.Function) string {
	if n := fn.RequestsPerPod(); n > 0 {
		return strconv.Itoa(n)
	}
	return "unlimited"
}

// headline is what a message says first, with the line that names the error when it is a stack trace.
func headline(message string) string {
	line := firstLine(message)
	for l := range strings.Lines(message) {
		if l = strings.TrimSpace(l); strings.Contains(l, "Error:") && l != line {
			return line + " … " + l
		}
	}
	return line
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

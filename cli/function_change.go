package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

const (
	// settleTime bounds the wait for the platform to take over a new object; after it the command ends well,
	// with a note.
	settleTime = 10 * time.Second
	// rollTime bounds the wait for a changed function to answer with its new code.
	rollTime = 2 * time.Minute
	// labelTime is how long after a pod became hot its labels may not say so yet.
	labelTime = 500 * time.Millisecond
)

func (a *app) functionCreate() *cobra.Command {
	var (
		o     functionFlags
		route routeFlags
	)
	cmd := &cobra.Command{
		Use: "create NAME --code FILE", Aliases: []string{"add"}, Short: "Create a function",
		Long: "Create a function. Without --env, the code's language says which environment runs it, and the function gets a route of its own\n" +
			"name for GET and POST, unless --url, --prefix or --no-route says otherwise. An environment that is missing is created: on a terminal\n" +
			"after a question, else with --yes only. With --env everything is as with Fission: no route without --url or --prefix.",
		Example: "  hotpod function create hello --code hello.py\n" +
			"  hotpod function create --name hello --env nodejs --code hello.js\n" +
			"  hotpod fn create hello --env nodejs --code hello.js --url /hello --method GET",
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom("function", args, o.name)
			if err != nil {
				return err
			}
			if o.declare.on() {
				return a.declareFunction(cmd.Context(), cmd.Flags(), name, &o, &route)
			}
			return a.createFunction(cmd, name, &o, &route)
		},
	}
	o.add(cmd)
	o.declare.add(cmd.Flags())
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "create a missing environment without asking")
	cmd.Flags().BoolVar(&o.noRoute, "no-route", false, "create no route")
	addRouteFlags(cmd.Flags(), &route)
	return cmd
}

// addRouteFlags adds the flags that make a route with a function.
func addRouteFlags(f *pflag.FlagSet, route *routeFlags) {
	f.StringVar(&route.url, "url", "", "create a route with this URL too")
	f.StringVar(&route.prefix, "prefix", "", "create a route with this prefix too")
	f.StringSliceVar(&route.methods, "method", []string{"GET"}, "methods of that route")
}

func (a *app) createFunction(cmd *cobra.Command, name string, o *functionFlags, route *routeFlags) error {
	ctx, steps := cmd.Context(), a.newSteps()
	o.ownRoute(name, route, cmd.Flags().Changed("method"))
	if err := a.checkFunction(ctx, name, o, steps); err != nil {
		return err
	}
	fn := &v1.Function{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: a.namespace}}
	fn.Spec.Environment = v1.EnvironmentReference{Namespace: a.namespace, Name: o.env}
	if err := o.apply(cmd.Flags(), fn, true); err != nil {
		return err
	}
	pkg, err := a.packageFor(ctx, name, o)
	if err != nil {
		return err
	}
	made := pkg.Name
	if pkg, err = a.built(ctx, pkg, o.noWait); err != nil {
		if o.pkg == "" { // what this command made goes again, the log was shown
			_ = a.clients.Packages(a.namespace).Delete(context.WithoutCancel(ctx), made, metav1.DeleteOptions{})
		}
		return err
	}
	steps.done("package", "%s (%s)", pkg.Name, archiveKind(pkg))
	fn.Spec.Package.PackageRef = v1.PackageRef{Namespace: pkg.Namespace, Name: pkg.Name, ResourceVersion: pkg.ResourceVersion}
	out, err := a.clients.Functions(a.namespace).Create(ctx, fn, metav1.CreateOptions{})
	if err != nil {
		if o.pkg == "" { // what this command made goes again
			_ = a.clients.Packages(a.namespace).Delete(ctx, pkg.Name, metav1.DeleteOptions{})
		}
		return created(err, "function", name, "hotpod function update "+name+" --code …")
	}
	if !o.noWait {
		a.settle(a.functions().wait(ctx, name, "taken over", settleTime, functionSettled(out.Generation)), "function", name)
	}
	if o.pkg == "" { // after the platform has seen the package: a change before would look like new code
		a.adopt(ctx, pkg, out)
	}
	steps.done("function", "%s", name)
	fmt.Fprintf(a.Out, "function %q created\n", name)
	return a.createFirstRoute(ctx, name, route, steps)
}

// ownRoute gives a function that is created the short way a route, unless the user says otherwise.
func (o *functionFlags) ownRoute(name string, route *routeFlags, methods bool) {
	if o.env != "" || o.pkg != "" || o.noRoute || route.url != "" || route.prefix != "" {
		return
	}
	route.url = "/" + name
	if !methods {
		route.methods = []string{"GET", "POST"}
	}
}

// createFirstRoute creates the route that goes with the function, and says what can be done with it.
func (a *app) createFirstRoute(ctx context.Context, name string, route *routeFlags, s *steps) error {
	if route.url == "" && route.prefix == "" {
		return nil
	}
	route.functions = []string{name}
	if route.name == "" {
		route.name = name + "-" + randomSuffix()
	}
	if err := a.createRoute(ctx, route.name, route); err != nil {
		return err
	}
	path := route.url + route.prefix
	s.done("route", "%s %s", strings.Join(route.methods, ","), path)
	base := a.publicURL(ctx)
	if base == "" {
		a.progress("  the router has no address outside the cluster; try: kubectl port-forward -n fission svc/router 8080:80")
		base = "http://localhost:8080"
	}
	fmt.Fprintln(a.Out, base+path)
	a.progress("  try: curl %s     logs: hotpod fn logs -f %s     state: hotpod fn describe %s", base+path, name, name)
	return nil
}

// check refuses what is wrong without looking at the cluster.
func (o *functionFlags) check(name string) error {
	if err := checkName("function", name); err != nil {
		return err
	}
	if err := o.checkExecutor(); err != nil {
		return err
	}
	if o.pkg == "" && !o.code.given() {
		return usagef("function %s needs code: --code FILE, --deployarchive FILES or --pkg NAME", name)
	}
	if o.pkg != "" && o.code.given() {
		return usagef("give code or --pkg %s, not both", o.pkg)
	}
	if _, known := languageOf(o.code.names()); o.env == "" && o.pkg == "" && !known {
		return usagef("function %s needs an environment: --env NAME (code is recognised by %s)", name, extensions())
	}
	return nil
}

// checkFunction refuses, before anything else is changed, what could never be called. It chooses the environment.
func (a *app) checkFunction(ctx context.Context, name string, o *functionFlags, s *steps) error {
	if err := o.check(name); err != nil {
		return err
	}
	clients, err := a.cluster()
	if err != nil {
		return err
	}
	_, err = clients.Functions(a.namespace).Get(ctx, name, metav1.GetOptions{})
	if err == nil {
		return hint(fmt.Errorf("function %q exists already", name), "hotpod function update "+name+" --code …")
	}
	if !apierrors.IsNotFound(err) {
		return fmt.Errorf("look for function %s: %w", name, err)
	}
	if o.env == "" && o.pkg == "" {
		return a.chooseEnvironment(ctx, o, s)
	}
	if o.env == "" {
		return nil
	}
	_, err = a.environments().get(ctx, o.env)
	if e, ok := errors.AsType[*Error](err); ok {
		e.Try = []string{"hotpod env create --name " + o.env + " --image fission/node-env"}
	}
	return err
}

// checkExecutor refuses executors that have other flags than these, or none.
func (o *functionFlags) checkExecutor() error {
	switch o.executor {
	case "", v1.ExecutorPool, v1.ExecutorNewDeploy:
		return nil
	case v1.ExecutorContainer:
		return usagef("functions that are images are made by `hotpod function run-container`")
	}
	return usagef("--executortype %q: it is poolmgr or newdeploy", o.executor)
}

// packageFor returns the package that holds the function's code: the one named, or a new one.
func (a *app) packageFor(ctx context.Context, name string, o *functionFlags) (*v1.Package, error) {
	if o.pkg == "" {
		return a.createPackage(ctx, packageName(name), o.env, &o.code, nil)
	}
	pkg, err := a.packages().get(ctx, o.pkg)
	if err != nil {
		return nil, err
	}
	if o.env != "" && pkg.Spec.Environment.Name != o.env {
		return nil, usagef("package %s is for environment %s, the function for %s", pkg.Name, pkg.Spec.Environment.Name, o.env)
	}
	return pkg, nil
}

// packageName makes a name that fits Kubernetes' bound of 63 characters.
func packageName(function string) string {
	suffix := "-" + randomSuffix()
	return function[:min(len(function), 63-len(suffix))] + suffix
}

// adopt makes the package go with its function. Failing to is no error: it then stays as an orphan.
func (a *app) adopt(ctx context.Context, pkg *v1.Package, fn *v1.Function) {
	_, err := a.packages().change(ctx, pkg.Name, func(p *v1.Package) error {
		p.OwnerReferences = []metav1.OwnerReference{ownedBy(fn)}
		return nil
	})
	if err != nil {
		a.progress("note: package %s will stay when the function is deleted: %v", pkg.Name, err)
	}
}

// functionSettled reports whether the platform has looked at the generation.
func functionSettled(generation int64) func(*v1.Function) (bool, error) {
	return func(f *v1.Function) (bool, error) {
		return f.Status.ObservedGeneration >= generation && meta.FindStatusCondition(f.Status.Conditions, v1.ConditionReady) != nil, nil
	}
}

// settle turns a wait that timed out into a note: the object is there, the platform is late.
func (a *app) settle(err error, noun, name string) {
	if err != nil {
		a.progress("note: the platform has not yet looked at %s %s: %v", noun, name, err)
	}
}

func (a *app) functionUpdate() *cobra.Command {
	var (
		o     functionFlags
		force bool
	)
	n := a.functions()
	cmd := &cobra.Command{
		Use: "update NAME", Short: "Change a function; it answers with the new code when this returns", ValidArgsFunction: n.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom("function", args, o.name)
			if err != nil {
				return err
			}
			return a.updateFunction(cmd, name, &o, force)
		},
	}
	o.add(cmd)
	cmd.Flags().BoolVarP(&force, "force", "f", false, "change the code even if other functions use the package")
	return cmd
}

func (a *app) updateFunction(cmd *cobra.Command, name string, o *functionFlags, force bool) error {
	ctx := cmd.Context()
	fn, err := a.functions().get(ctx, name)
	if err != nil {
		return err
	}
	if fn.Executor() == v1.ExecutorContainer {
		return hint(fmt.Errorf("function %s is an image", name), "hotpod function update-container "+name)
	}
	if err := o.checkExecutor(); err != nil {
		return err
	}
	if o.env != "" {
		if _, err := a.environments().get(ctx, o.env); err != nil {
			return err
		}
	}
	// The flags are tried on a copy first: a wrong one must not leave the package changed alone.
	if err := o.apply(cmd.Flags(), fn.DeepCopy(), false); err != nil {
		return err
	}
	pkg, err := a.changedPackage(ctx, fn, o, force)
	if err != nil {
		return err
	}
	return a.changeFunction(ctx, name, o.noWait, func(f *v1.Function) error {
		if pkg != nil {
			f.Spec.Package.PackageRef = v1.PackageRef{Namespace: pkg.Namespace, Name: pkg.Name, ResourceVersion: pkg.ResourceVersion}
		}
		if o.env != "" {
			f.Spec.Environment.Name = o.env
		}
		return o.apply(cmd.Flags(), f, false)
	})
}

// changeFunction changes the object, and waits until its new generation answers.
func (a *app) changeFunction(ctx context.Context, name string, noWait bool, change func(*v1.Function) error) error {
	out, err := a.functions().change(ctx, name, change)
	if err != nil {
		return err
	}
	if !noWait {
		if err := a.rolled(ctx, out); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(a.Out, "function %q updated\n", name)
	return err
}

// changedPackage updates the function's package with new code, or returns another package that the user named;
// nil when the code stays as it is.
func (a *app) changedPackage(ctx context.Context, fn *v1.Function, o *functionFlags, force bool) (*v1.Package, error) {
	switch {
	case o.pkg != "" && o.code.given():
		return nil, usagef("give code or --pkg %s, not both", o.pkg)
	case o.pkg != "":
		return a.packages().get(ctx, o.pkg)
	case !o.code.given():
		return nil, nil
	case fn.PackageKey() == "":
		return a.createPackage(ctx, packageName(fn.Name), fn.Spec.Environment.Name, &o.code, nil)
	}
	if err := a.soleUser(ctx, fn, force); err != nil {
		return nil, err
	}
	code, err := a.resolve(ctx, &o.code)
	if err != nil {
		return nil, err
	}
	pkg, err := a.packages().change(ctx, fn.Spec.Package.PackageRef.Name, func(p *v1.Package) error {
		code.apply(&p.Spec)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return a.changedSource(ctx, pkg, code, o.noWait)
}

// soleUser refuses to change a package that other functions use too.
func (a *app) soleUser(ctx context.Context, fn *v1.Function, force bool) error {
	if force {
		return nil
	}
	list, err := a.clients.Functions(fn.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("look for functions of the package: %w", err)
	}
	for i := range list.Items {
		if other := &list.Items[i]; other.Name != fn.Name && other.PackageKey() == fn.PackageKey() {
			return hint(fmt.Errorf("package %s is used by function %s too", fn.Spec.Package.PackageRef.Name, other.Name),
				"hotpod function update "+fn.Name+" --code … --force   # changes both")
		}
	}
	return nil
}

// rolled waits until no pod serves an older generation, or the new one has failed.
func (a *app) rolled(ctx context.Context, fn *v1.Function) error {
	began := time.Now()
	return a.functions().wait(ctx, fn.Name, "rolled to its new code", rollTime, func(now *v1.Function) (bool, error) {
		if now.Status.ObservedGeneration < fn.Generation {
			return false, nil
		}
		if c := meta.FindStatusCondition(now.Status.Conditions, v1.ConditionReady); c != nil && c.Status == metav1.ConditionFalse {
			return true, hint(fmt.Errorf("function %s was updated but cannot be called: %s: %s", fn.Name, c.Reason, c.Message),
				"hotpod function describe "+fn.Name)
		}
		pods, err := a.podsOf(ctx, string(fn.UID))
		if err != nil {
			return false, fmt.Errorf("list pods: %w", err)
		}
		for i := range pods {
			if pods[i].DeletionTimestamp == nil && outdated(&pods[i], fn.Generation) {
				return false, nil
			}
		}
		return time.Since(began) >= labelTime, nil
	})
}

// outdated reports whether a function's pod may still answer with an older generation. One of its own that starts may be
// hot already: labels come a moment later.
func outdated(pod *corev1.Pod, generation int64) bool {
	g, _ := strconv.ParseInt(pod.Labels[wire.LabelFunctionGeneration], 10, 64)
	return podState(pod) == podStarting || podState(pod) == string(wire.StateHot) && g < generation
}

func (a *app) functionDelete() *cobra.Command {
	return a.functions().deleteCommand(func(context.Context, *v1.Function, bool) error { return nil })
}

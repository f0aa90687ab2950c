package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

const (
	// annotationDev marks functions that `dev` made and may replace.
	annotationDev = "hotpod.dev/dev"
	// devLook is how often a reload looks whether the new code is loaded.
	devLook = 25 * time.Millisecond
)

// devSession is one run of `dev`.
type devSession struct {
	app      *app
	flags    *functionFlags
	function *v1.Function
	route    string
	loaded   int64 // generation of the package that the function has
	keep     bool
	root     string // folder that is watched
	file     string // the one file of it that matters; empty means all
}

func (a *app) devCommand() *cobra.Command {
	var (
		o     functionFlags
		route routeFlags
		keep  bool
	)
	cmd := &cobra.Command{
		Use: "dev [FILE|FOLDER]", Short: "Run a file or folder as a function, and reload it whenever it changes",
		Long: "Run a file or folder (default: this one) as a function on the cluster that the command talks to, with a route, and load it anew\n" +
			"whenever a file changes. What the function writes appears on standard output, what `dev` does on standard error. Code that cannot\n" +
			"be loaded is told with its reason; the code before it goes on. Ctrl-C ends, and removes the function, its package and its route;\n" +
			"an environment that was created stays. All flags of `function create` apply.",
		Example: "  hotpod dev hello.py\n  hotpod dev . --env nodejs --url /api --env-var MODE=dev",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("one file or folder at a time: got %s", strings.Join(args, ", "))
			}
			s := &devSession{app: a, flags: &o, keep: keep}
			if err := s.prepare(cmd, append(args, ".")[0], &route); err != nil {
				return err
			}
			return s.run(cmd, &route)
		},
	}
	o.add(cmd)
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "create a missing environment without asking")
	cmd.Flags().BoolVar(&keep, "keep", false, "leave function, package and route when it ends")
	addRouteFlags(cmd.Flags(), &route)
	return cmd
}

// notInNames are the characters that names of objects cannot have.
var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// prepare fills in what the user left out.
func (s *devSession) prepare(cmd *cobra.Command, target string, route *routeFlags) error {
	path, err := filepath.Abs(target)
	if err != nil {
		return fmt.Errorf("find the code: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return &Error{Err: fmt.Errorf("%s: no such file or folder", target), Code: ExitUsage}
	}
	o := s.flags
	if !o.code.given() && o.pkg == "" {
		if info.IsDir() {
			o.code.deploy = []string{target}
		} else {
			o.code.code = []string{target}
		}
	}
	s.root = path
	if !info.IsDir() {
		s.root, s.file = filepath.Dir(path), path
	}
	if o.name == "" {
		base := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
		o.name = strings.Trim(notInNames.ReplaceAllString(strings.ToLower(base), "-"), "-")
	}
	if route.url == "" && route.prefix == "" {
		route.prefix = "/" + o.name
	}
	if !cmd.Flags().Changed("method") {
		route.methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}
	}
	s.route = o.name + "-dev"
	route.name = s.route
	if !cmd.Flags().Changed("minscale") {
		o.minScale = 1 // so that code is loaded, and its faults are seen, when it changes and not when it is called
	}
	o.meta.annotations = append(o.meta.annotations, annotationDev+"=true")
	return nil
}

// run makes the function and follows its files until ctx ends.
func (s *devSession) run(cmd *cobra.Command, route *routeFlags) error {
	ctx := cmd.Context()
	if _, err := s.app.cluster(); err != nil {
		return err
	}
	if err := s.replace(ctx); err != nil {
		return err
	}
	watch, err := watchFiles(s.root)
	if err != nil {
		return err
	}
	watch.only = s.file
	defer func() { _ = watch.Close() }()
	defer s.remove(context.WithoutCancel(ctx))
	stdout := s.app.Out
	s.app.Out = io.Discard // what scripts read of `create`; here standard output is the function's
	err = s.app.createFunction(cmd, s.flags.name, s.flags, route)
	s.app.Out = stdout
	if err != nil && ctx.Err() == nil {
		return err
	}
	if s.function, err = s.app.functions().get(ctx, s.flags.name); err != nil {
		return err
	}
	pkg, err := s.app.packages().get(ctx, s.function.Spec.Package.PackageRef.Name)
	if err != nil {
		return err
	}
	s.loaded = pkg.Generation
	logs := make(chan struct{})
	go func() {
		defer close(logs)
		s.app.follow(ctx, s.function)
	}()
	err = s.follow(ctx, watch)
	<-logs
	return err
}

// replace removes what an earlier run left; a function of the user's own is not touched.
func (s *devSession) replace(ctx context.Context) error {
	name := s.flags.name
	fn, err := s.app.clients.Functions(s.app.namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for function %s: %w", name, err)
	}
	if fn.Annotations[annotationDev] != "true" {
		return hint(fmt.Errorf("function %q exists, and was not made by dev", name), "hotpod dev … --name "+name+"-dev", "hotpod function update "+name+" --code …")
	}
	s.delete(ctx)
	return nil
}

// remove takes away what the session made.
func (s *devSession) remove(ctx context.Context) {
	if s.keep && s.function != nil {
		s.app.progress("kept: function %s and route %s", s.flags.name, s.route)
		return
	}
	s.delete(ctx)
	if s.function == nil {
		return // nothing was made that a person would miss
	}
	s.app.progress("removed function %s and route %s", s.flags.name, s.route)
}

// delete removes the route first, so that nobody calls what is no longer there; the package goes with its function.
func (s *devSession) delete(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c, ns := s.app.clients, s.app.namespace
	err := errors.Join(
		gone(c.HTTPTriggers(ns).Delete(ctx, s.route, metav1.DeleteOptions{})),
		gone(c.Functions(ns).Delete(ctx, s.flags.name, metav1.DeleteOptions{})))
	if err != nil {
		s.app.progress("note: not everything was removed: %v", err)
	}
}

// gone turns "not found" into success.
func gone(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// follow reloads the function whenever a file changes, until ctx ends.
func (s *devSession) follow(ctx context.Context, watch *fileWatch) error {
	s.app.progress("  watching %s; Ctrl-C ends", s.root)
	for {
		changed, err := watch.next(ctx)
		if err != nil || changed == "" {
			return err
		}
		name, err := filepath.Rel(s.root, changed)
		if err != nil {
			name = changed
		}
		start := s.app.now()
		reloaded, err := s.reload(ctx)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // that it ends is what the person wanted
		case err != nil:
			s.app.progress("  × %s: %s", name, diagnose(err))
		case reloaded:
			s.app.progress("  ✓ %s: reloaded in %.2fs", name, s.app.now().Sub(start).Seconds())
		}
	}
}

// reload gives the function the code as it is now; false when the code is what it was.
func (s *devSession) reload(ctx context.Context) (bool, error) {
	pkg, err := s.app.changedPackage(ctx, s.function, s.flags, true)
	if err != nil {
		return false, err
	}
	if pkg == nil || pkg.Generation == s.loaded {
		return false, nil
	}
	s.loaded = pkg.Generation
	fn, err := s.app.functions().change(ctx, s.flags.name, func(f *v1.Function) error {
		f.Spec.Package.PackageRef.ResourceVersion = pkg.ResourceVersion
		return nil
	})
	if err != nil {
		return false, err
	}
	s.function = fn
	return true, s.settled(ctx)
}

// settled waits until a pod holds the newest generation, or it is known why none will.
func (s *devSession) settled(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, rollTime)
	defer cancel()
	for {
		fn, err := s.app.functions().get(ctx, s.flags.name)
		if err != nil {
			return err
		}
		c := meta.FindStatusCondition(fn.Status.Conditions, v1.ConditionReady)
		if fn.Status.ObservedGeneration >= fn.Generation && c != nil && c.Status == metav1.ConditionFalse && lasting(c.Reason) {
			return fmt.Errorf("%s: %s", c.Reason, c.Message)
		}
		pods, err := s.app.podsOf(ctx, string(fn.UID))
		if err != nil {
			return fmt.Errorf("list pods: %w", err)
		}
		if holds(pods, fn.Generation) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the new code was not loaded within %s", rollTime)
		case <-time.After(devLook):
		}
	}
}

// holds reports whether requests are answered by the generation only: one of its pods is hot, and none of an older one.
func holds(pods []corev1.Pod, generation int64) bool {
	hot := false
	for i := range pods {
		if pods[i].DeletionTimestamp != nil || podState(&pods[i]) != string(wire.StateHot) {
			continue
		}
		if outdated(&pods[i], generation) {
			return false
		}
		hot = true
	}
	return hot
}

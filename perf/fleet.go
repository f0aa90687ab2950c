package perf

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
	"hotpod.dev/wire"
)

const (
	readyTimeout = 5 * time.Minute
	pollInterval = 20 * time.Millisecond
	// runLabel marks the objects of one run.
	runLabel = "hotpod.dev/perf"
)

// fleet is an environment with functions and routes that exist for a measurement.
type fleet struct {
	s           *Session
	name        string
	environment *v1.Environment
	source      []byte
	made        int
}

// member is a function of a fleet with its route.
type member struct {
	name, path string
	// says is the text that only this function's answer has.
	says string
}

// newFleet makes the environment and waits until its pool is warm.
func (s *Session) newFleet(ctx context.Context, purpose string, poolsize int) (*fleet, error) {
	source, err := os.ReadFile(s.config.Source)
	if err != nil {
		return nil, fmt.Errorf("read the function: %w", err)
	}
	f := &fleet{s: s, name: fmt.Sprintf("perf-%s-%s", purpose, strconv.FormatInt(time.Now().UnixNano()%1e9, 36)), source: source}
	grace := int64(5)
	f.environment, err = s.clients.Environments(s.config.Namespace).Create(ctx, &v1.Environment{
		ObjectMeta: f.meta(f.name),
		Spec: v1.EnvironmentSpec{
			Version: 3, Poolsize: poolsize, TerminationGracePeriod: &grace,
			Runtime: v1.Runtime{Image: s.config.Image},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("create environment %s: %w", f.name, err)
	}
	if err := f.awaitPool(ctx); err != nil {
		return nil, errors.Join(err, f.delete(ctx))
	}
	return f, nil
}

func (f *fleet) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: f.s.config.Namespace, Labels: map[string]string{runLabel: f.name}}
}

// retire deletes the environment, so that its pool makes no more pods.
func (f *fleet) retire(ctx context.Context) error {
	err := f.s.clients.Environments(f.s.config.Namespace).Delete(context.WithoutCancel(ctx), f.name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// delete removes everything and waits until the pods are gone.
func (f *fleet) delete(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	return errors.Join(f.retire(ctx), f.awaitPods(ctx, "all pods gone", func(pods []corev1.Pod) bool { return len(pods) == 0 }))
}

// add makes n functions with routes and waits until they can be called. change may set what their spec shall have.
func (f *fleet) add(ctx context.Context, n int, change func(*v1.FunctionSpec)) ([]member, error) {
	var members []member
	for range n {
		f.made++
		name := fmt.Sprintf("%s-%d", f.name, f.made)
		m := member{name: name, path: "/" + name, says: name}
		if err := f.create(ctx, m, change); err != nil {
			return members, err
		}
		members = append(members, m)
	}
	return members, f.awaitRoutes(ctx, n)
}

func (f *fleet) create(ctx context.Context, m member, change func(*v1.FunctionSpec)) error {
	namespace := f.s.config.Namespace
	environment := v1.EnvironmentReference{Name: f.name, Namespace: namespace}
	_, err := f.s.clients.Packages(namespace).Create(ctx, &v1.Package{
		ObjectMeta: f.meta(m.name),
		Spec: v1.PackageSpec{
			Environment: environment,
			Deployment:  v1.Archive{Type: v1.ArchiveLiteral, Literal: distinct(f.source, m.says)},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("create package %s: %w", m.name, err)
	}
	function := &v1.Function{ObjectMeta: f.meta(m.name), Spec: v1.FunctionSpec{
		Environment: environment,
		Package:     v1.FunctionPackageRef{PackageRef: v1.PackageRef{Name: m.name, Namespace: namespace}},
	}}
	if change != nil {
		change(&function.Spec)
	}
	if _, err := f.s.clients.Functions(namespace).Create(ctx, function, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create function %s: %w", m.name, err)
	}
	_, err = f.s.clients.HTTPTriggers(namespace).Create(ctx, &v1.HTTPTrigger{ObjectMeta: f.meta(m.name), Spec: v1.HTTPTriggerSpec{
		RelativeURL: m.path, Methods: []string{"GET"}, FunctionReference: v1.FunctionReference{Type: "name", Name: m.name},
	}}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("create route %s: %w", m.name, err)
	}
	return nil
}

// distinct gives each function code of its own, whose answer tells which it is.
func distinct(source []byte, says string) []byte {
	return []byte(strings.ReplaceAll(string(source), "Hello, world!", "Hello from "+says+"."))
}

// remove deletes functions with their routes and packages, and waits until their pods are gone.
func (f *fleet) remove(ctx context.Context, members []member) error {
	ctx = context.WithoutCancel(ctx)
	namespace := f.s.config.Namespace
	errs := make([]error, 0, 3*len(members))
	for _, m := range members {
		errs = append(errs,
			f.s.clients.HTTPTriggers(namespace).Delete(ctx, m.name, metav1.DeleteOptions{}),
			f.s.clients.Functions(namespace).Delete(ctx, m.name, metav1.DeleteOptions{}),
			f.s.clients.Packages(namespace).Delete(ctx, m.name, metav1.DeleteOptions{}))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("delete functions: %w", err)
	}
	return f.awaitPods(ctx, "functions' pods gone", func(pods []corev1.Pod) bool { return count(pods, isWarm) == len(pods) })
}

// awaitRoutes waits until n routes of the fleet are ready.
func (f *fleet) awaitRoutes(ctx context.Context, n int) error {
	return poll(ctx, "routes ready", func() (bool, error) {
		list, err := f.s.clients.HTTPTriggers(f.s.config.Namespace).List(ctx, metav1.ListOptions{LabelSelector: runLabel + "=" + f.name})
		if err != nil {
			return false, err
		}
		ready := 0
		for i := range list.Items {
			if meta.IsStatusConditionTrue(list.Items[i].Status.Conditions, v1.ConditionReady) {
				ready++
			}
		}
		return ready >= n, nil
	})
}

// awaitPool waits until the environment has as many warm pods as its pool should.
func (f *fleet) awaitPool(ctx context.Context) error {
	return f.awaitPods(ctx, "the pool warm", func(pods []corev1.Pod) bool { return count(pods, isWarm) >= f.environment.Spec.Poolsize })
}

func (f *fleet) awaitPods(ctx context.Context, what string, done func([]corev1.Pod) bool) error {
	return poll(ctx, what, func() (bool, error) {
		pods, err := f.pods(ctx)
		return err == nil && done(pods), err
	})
}

// pods lists the environment's pods, in whichever namespace they are.
func (f *fleet) pods(ctx context.Context) ([]corev1.Pod, error) {
	return environmentPods(ctx, f.s.clients, f.environment)
}

func environmentPods(ctx context.Context, c *kube.Clients, e *v1.Environment) ([]corev1.Pod, error) {
	list, err := c.Pods("").List(ctx, metav1.ListOptions{LabelSelector: wire.LabelEnvironmentUID + "=" + string(e.UID)})
	if err != nil {
		return nil, fmt.Errorf("list pods: %w", err)
	}
	return list.Items, nil
}

func isWarm(p corev1.Pod) bool {
	return p.Labels[wire.LabelState] == string(wire.StateWarm) && isReady(p)
}

func isReady(p corev1.Pod) bool {
	if p.DeletionTimestamp != nil {
		return false
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

func count(pods []corev1.Pod, is func(corev1.Pod) bool) (n int) {
	for _, p := range pods {
		if is(p) {
			n++
		}
	}
	return n
}

// poll asks until it is done; errors of asking are tried again until the time is over.
func poll(ctx context.Context, what string, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	var last error
	for {
		ok, err := done()
		if ok {
			return nil
		}
		last = err
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, errors.Join(ctx.Err(), last))
		case <-time.After(pollInterval):
		}
	}
}

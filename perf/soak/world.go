package soak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
	"hotpod.dev/perf/probe"
	"hotpod.dev/wire"
)

const (
	namespace   = "soak"
	environment = "probe"
	// grace is how long a pod of the run may take to end; longer than every request.
	grace = 60
)

// world is the objects of a run.
type world struct {
	clients *kube.Clients
	book    *book
	ledger  string
	peak    int
	// given says that the namespace is somebody's, who made it and removes it.
	given bool
	// changes counts the changes of the environment.
	changes atomic.Int64
}

// functions are the specs of the run's functions.
func (w *world) functions() map[string]*v1.Function {
	idle := 2
	quick := map[string]string{"autoscaling.knative.dev/window": "6s"}
	of := func(name string, annotations map[string]string, spec v1.FunctionSpec) *v1.Function {
		spec.Environment = v1.EnvironmentReference{Name: environment, Namespace: namespace}
		spec.FunctionTimeout = 60
		return &v1.Function{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Annotations: annotations}, Spec: spec}
	}
	return map[string]*v1.Function{
		steady:   of(steady, nil, v1.FunctionSpec{RequestsPerPod: 5}),
		changing: of(changing, nil, v1.FunctionSpec{RequestsPerPod: 20}),
		single:   of(single, nil, v1.FunctionSpec{RequestsPerPod: 1, Concurrency: 10}),
		wave:     of(wave, quick, v1.FunctionSpec{RequestsPerPod: 1, Concurrency: w.peak, IdleTimeout: &idle}),
	}
}

// make makes everything and waits until it can be called.
func (w *world) make(ctx context.Context) error {
	if err := w.makeNamespace(ctx); err != nil {
		return err
	}
	e, err := w.environment(0)
	if err != nil {
		return err
	}
	if _, err := w.clients.Environments(namespace).Create(ctx, e, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create environment: %w", err)
	}
	for name, f := range w.functions() {
		w.book.versions[name] = newVersions()
		if err := w.create(ctx, f); err != nil {
			return err
		}
	}
	for name := range w.functions() {
		if err := w.routed(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) makeNamespace(ctx context.Context) error {
	if w.given {
		return nil
	}
	// One of an earlier run may still be going.
	return wait(ctx, "the namespace", func() error {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
		_, err := w.clients.Namespaces().Create(ctx, ns, metav1.CreateOptions{})
		return err
	})
}

// remove deletes everything; pods follow.
func (w *world) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return wait(ctx, "the objects to be deleted", func() error {
		errs := make([]error, 0, 16)
		for name := range w.functions() {
			errs = append(errs,
				gone(w.clients.HTTPTriggers(namespace).Delete(ctx, name, metav1.DeleteOptions{})),
				gone(w.clients.Functions(namespace).Delete(ctx, name, metav1.DeleteOptions{})))
		}
		errs = append(errs, gone(w.clients.Environments(namespace).Delete(ctx, environment, metav1.DeleteOptions{})))
		if !w.given {
			errs = append(errs, gone(w.clients.Namespaces().Delete(ctx, namespace, metav1.DeleteOptions{})))
		}
		return errors.Join(errs...)
	})
}

func gone(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// environment is the runtime at a change.
func (w *world) environment(change int64) (*v1.Environment, error) {
	container, err := json.Marshal(corev1.Container{Name: environment, Env: []corev1.EnvVar{
		{Name: "PROBE_LEDGER", Value: w.ledger},
		{Name: "PROBE_ENVIRONMENT", Value: fmt.Sprint(change)},
		{Name: "PROBE_POD", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}},
	}})
	if err != nil {
		return nil, fmt.Errorf("encode container: %w", err)
	}
	seconds := int64(grace)
	return &v1.Environment{
		ObjectMeta: metav1.ObjectMeta{Name: environment, Namespace: namespace},
		Spec: v1.EnvironmentSpec{
			Version: 3, Poolsize: 5, TerminationGracePeriod: &seconds,
			Runtime: v1.Runtime{Image: "hotpod/probe", Container: &runtime.RawExtension{Raw: container}},
		},
	}, nil
}

// change changes the environment, so that its pods are replaced.
func (w *world) change(ctx context.Context) error {
	e, err := w.environment(w.changes.Add(1))
	if err != nil {
		return err
	}
	return again(func() error {
		now, err := w.clients.Environments(namespace).Get(ctx, environment, metav1.GetOptions{})
		if err != nil {
			return err
		}
		now.Spec = e.Spec
		_, err = w.clients.Environments(namespace).Update(ctx, now, metav1.UpdateOptions{})
		return err
	})
}

// create makes a function with its first version and a route to it and all below it.
func (w *world) create(ctx context.Context, f *v1.Function) error {
	pkg, err := w.pack(ctx, f)
	if err != nil {
		return err
	}
	f.Spec.Package.PackageRef = pkg
	if _, err := w.clients.Functions(namespace).Create(ctx, f, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create function %s: %w", f.Name, err)
	}
	prefix := "/" + f.Name
	_, err = w.clients.HTTPTriggers(namespace).Create(ctx, route(f.Name, prefix), metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("create route %s: %w", f.Name, err)
	}
	return nil
}

func route(name, prefix string) *v1.HTTPTrigger {
	return &v1.HTTPTrigger{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}, Spec: v1.HTTPTriggerSpec{
		Prefix: &prefix, KeepPrefix: true, Methods: []string{"GET", "POST"},
		FunctionReference: v1.FunctionReference{Type: v1.ReferenceName, Name: name},
	}}
}

// pack makes a package of the function's next version.
func (w *world) pack(ctx context.Context, f *v1.Function) (v1.PackageRef, error) {
	w.book.mu.Lock()
	version := w.book.versions[f.Name].declare()
	w.book.mu.Unlock()
	program := probe.Program{Version: version, Limit: f.RequestsPerPod()}
	made, err := w.clients.Packages(namespace).Create(ctx, &v1.Package{
		ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s-%d", f.Name, version), Namespace: namespace},
		Spec: v1.PackageSpec{
			Environment: v1.EnvironmentReference{Name: environment, Namespace: namespace},
			Deployment:  v1.Archive{Type: v1.ArchiveLiteral, Literal: program.Encode()},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return v1.PackageRef{}, fmt.Errorf("create package %s-%d: %w", f.Name, version, err)
	}
	return v1.PackageRef{Namespace: namespace, Name: made.Name, ResourceVersion: made.ResourceVersion}, nil
}

// update gives a function new code, and removes the package of the version before the last.
func (w *world) update(ctx context.Context, name string) error {
	pkg, err := w.pack(ctx, w.functions()[name])
	if err != nil {
		return err
	}
	before := ""
	err = again(func() error {
		f, err := w.clients.Functions(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		before = f.Spec.Package.PackageRef.Name
		f.Spec.Package.PackageRef = pkg
		_, err = w.clients.Functions(namespace).Update(ctx, f, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("update function %s: %w", name, err)
	}
	return gone(w.clients.Packages(namespace).Delete(ctx, before, metav1.DeleteOptions{}))
}

// again tries a change again when somebody else changed the object meanwhile.
func again(try func() error) error {
	for attempt := 0; ; attempt++ {
		err := try()
		if !apierrors.IsConflict(err) || attempt == 10 {
			return err
		}
	}
}

// routed waits until every Envoy has the function's route.
func (w *world) routed(ctx context.Context, name string) error {
	return wait(ctx, "route "+name, func() error {
		t, err := w.clients.HTTPTriggers(namespace).Get(ctx, name, metav1.GetOptions{})
		if err == nil && !meta.IsStatusConditionTrue(t.Status.Conditions, v1.ConditionReady) {
			err = fmt.Errorf("not ready: %+v", t.Status.Conditions)
		}
		return err
	})
}

// hot returns the pods that hold the function and are not being deleted.
func (w *world) hot(ctx context.Context, function string) ([]corev1.Pod, error) {
	list, err := w.clients.Pods(namespace).List(ctx, metav1.ListOptions{
		LabelSelector: wire.LabelState + "=" + string(wire.StateHot) + "," + wire.LabelFunctionName + "=" + function,
	})
	if err != nil {
		return nil, fmt.Errorf("list pods: %w", err)
	}
	var pods []corev1.Pod
	for _, p := range list.Items {
		if p.DeletionTimestamp == nil {
			pods = append(pods, p)
		}
	}
	return pods, nil
}

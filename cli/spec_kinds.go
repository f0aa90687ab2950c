package cli

import (
	"context"
	"fmt"
	"maps"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
	"hotpod.dev/spec"
)

// specKind is what specs need of a kind's client.
type specKind struct {
	list   func(ctx context.Context, namespace string) ([]spec.Object, error)
	apply  func(ctx context.Context, a *kube.Apply) error
	delete func(ctx context.Context, namespace, name string, uid types.UID) error
}

// specKinds returns the clients of all kinds that specs may hold.
func (a *app) specKinds() (map[string]specKind, error) {
	c, err := a.cluster()
	if err != nil {
		return nil, err
	}
	return map[string]specKind{
		spec.KindEnvironment: kindOfSpecs(c.Environments, func(l *v1.EnvironmentList) []*v1.Environment { return pointers(l.Items) }),
		spec.KindPackage:     kindOfSpecs(c.Packages, func(l *v1.PackageList) []*v1.Package { return pointers(l.Items) }),
		spec.KindFunction:    kindOfSpecs(c.Functions, func(l *v1.FunctionList) []*v1.Function { return pointers(l.Items) }),
		spec.KindHTTPTrigger: kindOfSpecs(c.HTTPTriggers, func(l *v1.HTTPTriggerList) []*v1.HTTPTrigger { return pointers(l.Items) }),
		spec.KindTimeTrigger: kindOfSpecs(c.TimeTriggers, func(l *v1.TimeTriggerList) []*v1.TimeTrigger { return pointers(l.Items) }),
		spec.KindWatchTrigger: a.signedSpecs(kindOfSpecs(c.KubernetesWatchTriggers,
			func(l *v1.KubernetesWatchTriggerList) []*v1.KubernetesWatchTrigger { return pointers(l.Items) })),
	}, nil
}

func kindOfSpecs[T spec.Object, L runtime.Object](client func(namespace string) *kube.Client[T, L], items func(L) []T) specKind {
	return specKind{
		list: func(ctx context.Context, namespace string) ([]spec.Object, error) {
			list, err := client(namespace).List(ctx, metav1.ListOptions{})
			if err != nil {
				return nil, err
			}
			all := items(list)
			out := make([]spec.Object, len(all))
			for i := range all {
				out[i] = all[i]
			}
			return out, nil
		},
		apply: func(ctx context.Context, a *kube.Apply) error {
			_, err := client(a.Metadata.Namespace).Apply(ctx, a, metav1.ApplyOptions{FieldManager: spec.FieldManager, Force: true})
			return err
		},
		delete: func(ctx context.Context, namespace, name string, uid types.UID) error {
			err := client(namespace).Delete(ctx, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
			if apierrors.IsNotFound(err) {
				return nil
			}
			return err
		},
	}
}

// signedSpecs is a kind whose objects say who wrote them.
func (a *app) signedSpecs(k specKind) specKind {
	apply := k.apply
	k.apply = func(ctx context.Context, o *kube.Apply) error {
		var t v1.KubernetesWatchTrigger
		if err := a.signTrigger(ctx, &t); err != nil {
			return err
		}
		maps.Copy(o.Metadata.Annotations, t.Annotations)
		return apply(ctx, o)
	}
	return k
}

// application returns what is sent to apply an item.
func application(item *spec.Item) *kube.Apply {
	annotations := map[string]string{spec.AnnotationHash: item.Hash()}
	maps.Copy(annotations, item.Object.GetAnnotations())
	return &kube.Apply{
		TypeMeta: metav1.TypeMeta{APIVersion: v1.GroupVersion.String(), Kind: item.Kind},
		Metadata: kube.ApplyMeta{
			Namespace: item.Object.GetNamespace(), Name: item.Object.GetName(),
			Labels: item.Object.GetLabels(), Annotations: annotations,
		},
		Spec: item.Spec,
	}
}

// liveObjects lists the objects of all kinds, once each: of the app's namespace when it has one only, else of all.
func (a *app) liveObjects(ctx context.Context, kinds map[string]specKind, namespaces []string) ([]spec.Object, error) {
	namespace := metav1.NamespaceAll
	if len(namespaces) == 1 {
		namespace = namespaces[0]
	}
	var out []spec.Object
	for _, kind := range spec.Kinds() {
		list, err := kinds[kind].list(ctx, namespace)
		if err != nil {
			return nil, fmt.Errorf("list objects of kind %s: %w", kind, err)
		}
		out = append(out, list...)
	}
	return out, nil
}

package parts

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// Plan is what rendered manifests ask for.
type Plan struct {
	// Definitions, Namespaces and Others are applied in this order.
	Definitions, Namespaces, Others []*unstructured.Unstructured
	// Deployments become static pods.
	Deployments []*appsv1.Deployment

	hash string

	// The contents that static pods may refer to, by namespace and name.
	secrets    map[string]*corev1.Secret
	configMaps map[string]*corev1.ConfigMap
}

// NewPlan sorts rendered objects by what has to be done with them.
func NewPlan(objects []*unstructured.Unstructured) (*Plan, error) {
	p := &Plan{secrets: map[string]*corev1.Secret{}, configMaps: map[string]*corev1.ConfigMap{}}
	for _, object := range objects {
		if err := p.add(object); err != nil {
			return nil, fmt.Errorf("read %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	p.admitStaticPods()
	text, err := json.Marshal(objects)
	if err != nil {
		return nil, fmt.Errorf("encode the manifests: %w", err)
	}
	p.hash = fmt.Sprintf("%x", sha256.Sum256(text))
	return p, nil
}

// Hash tells plans apart: two with the same hash ask for the same.
func (p *Plan) Hash() string { return p.hash }

func (p *Plan) add(object *unstructured.Unstructured) error {
	switch object.GetKind() {
	case "CustomResourceDefinition":
		p.Definitions = append(p.Definitions, object)
		return nil
	case "Namespace":
		p.Namespaces = append(p.Namespaces, object)
		return nil
	case "Deployment":
		d := &appsv1.Deployment{}
		p.Deployments = append(p.Deployments, d)
		return typed(object, d)
	case "Secret":
		s := &corev1.Secret{}
		p.secrets[key(object.GetNamespace(), object.GetName())] = s
		p.Others = append(p.Others, object)
		return typed(object, s)
	case "ConfigMap":
		c := &corev1.ConfigMap{}
		p.configMaps[key(object.GetNamespace(), object.GetName())] = c
		p.Others = append(p.Others, object)
		return typed(object, c)
	}
	p.Others = append(p.Others, object)
	return nil
}

// admitStaticPods lets namespaces with parts have pods that mount host paths. Pod Security would refuse their mirror
// objects under a stricter level, and then nobody could see or find the parts.
func (p *Plan) admitStaticPods() {
	const enforce = "pod-security.kubernetes.io/enforce"
	for _, d := range p.Deployments {
		for _, ns := range p.Namespaces {
			if labels := ns.GetLabels(); ns.GetName() == d.Namespace && labels[enforce] != "" {
				labels[enforce] = "privileged"
				ns.SetLabels(labels)
			}
		}
	}
}

func typed(object *unstructured.Unstructured, into any) error {
	return runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, into, true)
}

func key(namespace, name string) string { return namespace + "/" + name }

package kube

import (
	corev1 "k8s.io/api/core/v1"

	v1 "hotpod.dev/api/v1"
)

// lastApplied is kubectl's copy of the whole object, a package's code included.
const lastApplied = corev1.LastAppliedConfigAnnotation

// transform makes an object small before it is kept. It never fails: an informer would stop at the object.
func (c *Cache) transform(obj any) (any, error) {
	o, ok := obj.(Object)
	if !ok {
		return obj, nil // a tombstone
	}
	o.SetManagedFields(nil)
	if a := o.GetAnnotations(); a[lastApplied] != "" {
		delete(a, lastApplied)
		o.SetAnnotations(a)
	}
	switch o := obj.(type) {
	case *v1.Package:
		c.options.Codes.strip(o)
	case *corev1.Pod:
		slim(o)
	}
	return obj, nil
}

// slim drops what nobody here reads of a pod.
func slim(p *corev1.Pod) {
	spec := corev1.PodSpec{NodeName: p.Spec.NodeName, Containers: make([]corev1.Container, len(p.Spec.Containers))}
	for i, c := range p.Spec.Containers {
		spec.Containers[i] = corev1.Container{Name: c.Name, Image: c.Image, Ports: c.Ports}
	}
	p.Spec = spec
}

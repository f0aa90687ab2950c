package controller

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
	"hotpod.dev/wire"
)

// A function's Service is an alias, of type ExternalName, for the platform's own Service that leads to the routers. So a router that
// comes or goes changes nothing here, however many functions there are, and nobody needs the right to write EndpointSlices,
// which can point anywhere in the cluster.

// serviceOf is the Service of a function; target is the DNS name that it is an alias of.
func serviceOf(f *v1.Function, target string) *corev1.Service {
	yes := true
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: f.Namespace, Name: f.Name,
			Labels: map[string]string{wire.LabelFunctionService: f.Name, "app.kubernetes.io/managed-by": "hotpod"},
			// Without blockOwnerDeletion, which some clusters let only those set who may write the function's finalizers.
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: v1.GroupVersion.String(), Kind: "Function", Name: f.Name, UID: f.UID, Controller: &yes,
			}},
		},
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeExternalName, ExternalName: target,
			Ports: []corev1.ServicePort{{Name: "http", Port: 80}}, // for an Ingress that names it
		},
	}
}

// reconcileService makes, mends or deletes a function's Service, and returns the condition that says so: none for a
// function that is to have no Service.
func (c *Controller) reconcileService(ctx context.Context, f *v1.Function) ([]metav1.Condition, error) {
	there, ok := c.services.Get(f.Namespace, f.Name)
	mine := ok && metav1.IsControlledBy(there, f)
	if !f.HasService() {
		if mine {
			return nil, c.deleteService(ctx, there)
		}
		return nil, nil
	}
	if c.config.ServiceTarget == "" {
		return []metav1.Condition{untruth(v1.ConditionServiceReady, v1.ReasonServicesOff, "functions have no Services in this installation: "+
			"the controller's --service-target is empty")}, nil
	}
	var err error
	wanted := serviceOf(f, c.config.ServiceTarget)
	switch {
	case mine && there.Spec.Type == wanted.Spec.Type && there.Spec.ExternalName == wanted.Spec.ExternalName:
	case mine:
		wanted.ResourceVersion = there.ResourceVersion
		_, err = c.clients.Services(f.Namespace).Update(ctx, wanted, metav1.UpdateOptions{})
	default:
		err = c.createService(ctx, f, wanted)
	}
	if err == nil {
		if loses, to := c.losesHost(f); loses != "" {
			return []metav1.Condition{untruth(v1.ConditionServiceReady, v1.ReasonHostTaken,
				fmt.Sprintf("host %s is of the older function %s; http://%s.%s answers", loses, to, f.Name, f.Namespace))}, nil
		}
		return []metav1.Condition{truth(v1.ConditionServiceReady, v1.ReasonServiceReady,
			fmt.Sprintf("http://%s.%s answers inside the cluster", f.Name, f.Namespace))}, nil
	}
	reason, message := serviceTrouble(f, err)
	if reason == "" {
		return nil, fmt.Errorf("make the Service of %s/%s: %w", f.Namespace, f.Name, err)
	}
	return []metav1.Condition{untruth(v1.ConditionServiceReady, reason, message)}, nil
}

// serviceTakenError says that another owner has a Service of the name.
type serviceTakenError struct{}

func (serviceTakenError) Error() string { return "there is another Service of that name" }

// createService makes the Service, unless there is one of that name: of the function already, which the informer has not seen
// yet, or somebody else's.
func (c *Controller) createService(ctx context.Context, f *v1.Function, wanted *corev1.Service) error {
	_, err := c.clients.Services(f.Namespace).Create(ctx, wanted, metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	there, err := c.clients.Services(f.Namespace).Get(ctx, f.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if !metav1.IsControlledBy(there, f) {
		return serviceTakenError{}
	}
	return nil
}

// serviceTrouble tells what only a person can mend; the reason is empty for what may pass.
func serviceTrouble(f *v1.Function, err error) (reason, message string) {
	switch {
	case err == error(serviceTakenError{}): //nolint:errorlint // it is not wrapped
		return v1.ReasonServiceConflict, fmt.Sprintf("there is a Service %s that is not the function's, and it stays as it is: "+
			"delete it, or take the annotation %s off", f.Name, v1.AnnotationService)
	case apierrors.IsForbidden(err):
		return v1.ReasonNotAllowed, fmt.Sprintf("the controller may not make it: hotpod tenant create %s, by somebody who may (%v)", f.Namespace, err)
	case apierrors.IsInvalid(err):
		return v1.ReasonServiceInvalid, err.Error()
	}
	return "", ""
}

func (c *Controller) deleteService(ctx context.Context, s *corev1.Service) error {
	err := c.clients.Services(s.Namespace).Delete(ctx, s.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &s.UID}})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete the Service of %s/%s: %w", s.Namespace, s.Name, err)
	}
	return nil
}

// losesHost returns a further host of f that an older function has, and that function.
func (c *Controller) losesHost(f *v1.Function) (host, to string) {
	for _, h := range f.ServiceHosts() {
		for _, other := range c.functions.By(byHost, h) {
			if other.UID != f.UID && olderFunction(other, f) {
				return h, other.Namespace + "/" + other.Name
			}
		}
	}
	return "", ""
}

// olderFunction decides as xds does.
func olderFunction(a, b *v1.Function) bool {
	if x, y := a.CreationTimestamp.Unix(), b.CreationTimestamp.Unix(); x != y {
		return x < y
	}
	return a.UID < b.UID
}

// retryService is after how long a Service is tried again that another's stood in the way of.
const retryService = time.Minute

// serviceAgain says when to look again at a function whose Service could not be made.
func serviceAgain(conditions []metav1.Condition) time.Duration {
	if s := find(conditions, v1.ConditionServiceReady); s != nil && s.Status == metav1.ConditionFalse {
		return retryService
	}
	return 0
}

// serviceChanged has the function of a Service looked at.
func (c *Controller) serviceChanged(s *corev1.Service) {
	c.functionLoop.Add(kube.Key{Namespace: s.Namespace, Name: s.Name})
}

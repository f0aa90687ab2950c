package controller

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/internal/manifesttest"
)

// annotate sets the annotations of a function's Service.
func (w *world) annotate(f *v1.Function, service, hosts string) {
	w.t.Helper()
	w.patch(f, `{"metadata":{"annotations":{"`+v1.AnnotationService+`":"`+service+`","`+v1.AnnotationServiceHosts+`":"`+hosts+`"}}}`)
}

func (w *world) serviceAlias(name string) string {
	w.t.Helper()
	s, err := w.user.Services(w.ns).Get(w.t.Context(), name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return ""
	}
	w.check(err)
	return s.Spec.ExternalName
}

func TestService_IsMadeMendedAndTakenAway(t *testing.T) {
	w := newWorld(t)
	f := w.fn("hello", "")
	w.annotate(f, "true", "")
	w.condition("function", "hello", v1.ConditionServiceReady, "True/ServiceReady")
	services := w.user.Services(w.ns)
	s, err := services.Get(t.Context(), "hello", metav1.GetOptions{})
	w.check(err)
	if s.Spec.ExternalName != serviceTarget || s.Spec.Type != corev1.ServiceTypeExternalName || !metav1.IsControlledBy(s, f) {
		t.Errorf("the Service is %+v of %+v", s.Spec, s.OwnerReferences)
	}
	s.Spec.ExternalName = "example.com"
	_, err = services.Update(t.Context(), s, metav1.UpdateOptions{})
	w.check(err)
	w.eventually("what was changed is mended", func() bool { return w.serviceAlias("hello") == serviceTarget })
	w.check(services.Delete(t.Context(), "hello", metav1.DeleteOptions{}))
	w.eventually("what was deleted is made again", func() bool { return w.serviceAlias("hello") == serviceTarget })

	w.annotate(f, "false", "")
	w.eventually("it is taken away", func() bool { return w.serviceAlias("hello") == "" })
	w.eventually("the function says no more of it", func() bool {
		return find(w.conditions("function", "hello"), v1.ConditionServiceReady) == nil
	})
}

func TestService_OfSomebodyElseStaysAsItIs(t *testing.T) {
	w := newWorld(t)
	services := w.user.Services(w.ns)
	theirs := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "hello"}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 81}}}}
	theirs, err := services.Create(t.Context(), theirs, metav1.CreateOptions{})
	w.check(err)
	f := w.fn("hello", "")
	w.annotate(f, "true", "")
	message := w.condition("function", "hello", v1.ConditionServiceReady, "False/ServiceConflict")
	if !strings.Contains(message, "stays as it is") {
		t.Errorf("the message is %q", message)
	}
	w.annotate(f, "false", "")
	w.eventually("nothing is said of it", func() bool {
		return find(w.conditions("function", "hello"), v1.ConditionServiceReady) == nil
	})
	after, err := services.Get(t.Context(), "hello", metav1.GetOptions{})
	w.check(err)
	if after.ResourceVersion != theirs.ResourceVersion {
		t.Errorf("it was written: %+v", after)
	}
}

func TestService_HostIsTheOlderFunctions(t *testing.T) {
	w := newWorld(t)
	host := w.ns + ".example.com"
	first, second := w.fn("first", ""), w.fn("second", "")
	w.annotate(first, "true", host)
	w.condition("function", "first", v1.ConditionServiceReady, "True/ServiceReady")
	w.annotate(second, "true", "www."+host+","+host)
	loser, winner := "second", "first"
	if first.CreationTimestamp.Equal(&second.CreationTimestamp) && second.UID < first.UID {
		loser, winner = "first", "second"
	}
	if loser == "first" {
		w.annotate(first, "true", host+",other."+host) // looked at again
	}
	message := w.condition("function", loser, v1.ConditionServiceReady, "False/HostTaken")
	if !strings.Contains(message, w.ns+"/"+winner) {
		t.Errorf("the message is %q", message)
	}
	w.condition("function", winner, v1.ConditionServiceReady, "True/ServiceReady")
}

func TestService_SaysWhatRightsAreMissing(t *testing.T) {
	w := newWorld(t)
	manifesttest.Apply(t, server.Get(t).Config(), manifesttest.Decode(t, `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: test-status-only}
rules:
  - {apiGroups: [fission.io], resources: [functions/status], verbs: [patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: hotpod-status, namespace: `+w.ns+`}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: test-status-only}
subjects: [{kind: ServiceAccount, name: controller, namespace: fission}]
`))
	w.check(w.deleteBinding("hotpod-controller"))
	f := w.fn("hello", "1")
	w.annotate(f, "true", "")
	message := w.condition("function", "hello", v1.ConditionServiceReady, "False/NotAllowed")
	if !strings.Contains(message, "hotpod tenant create "+w.ns) {
		t.Errorf("the message is %q", message)
	}
}

func (w *world) deleteBinding(name string) error {
	return w.user.Core().Delete().AbsPath("/apis/rbac.authorization.k8s.io/v1/namespaces/" + w.ns + "/rolebindings/" + name).Do(w.t.Context()).Error()
}

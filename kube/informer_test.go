package kube

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
)

func TestInformer_TellsHandlersInOrder(t *testing.T) {
	clients, ns := start(t)
	must(clients.Packages(ns).Create(t.Context(), literal(ns, "early", "a"), metav1.CreateOptions{}))(t)
	cache := NewCache(clients, CacheOptions{Namespace: ns, Log: testLog(t)})
	events := make(chan string, 100)
	synced := make(chan struct{})
	cache.Packages().Watch(Handler[*v1.Package]{
		Set:    func(p *v1.Package) { events <- "set " + p.Name + " " + p.Labels["v"] },
		Delete: func(p *v1.Package) { events <- "delete " + p.Name },
		Synced: func() { events <- "synced"; close(synced) },
	})
	updates := make(chan string, 100)
	cache.Packages().Watch(Handler[*v1.Package]{
		Update: func(a, b *v1.Package) { updates <- a.Labels["v"] + "->" + b.Labels["v"] },
	})
	run(t, cache)
	<-synced
	p := must(clients.Packages(ns).Create(t.Context(), literal(ns, "late", "b"), metav1.CreateOptions{}))(t)
	p.Labels = map[string]string{"v": "2"}
	must(clients.Packages(ns).Update(t.Context(), p, metav1.UpdateOptions{}))(t)
	if got := <-updates; got != "->2" {
		t.Errorf("update %q", got)
	}
	if err := clients.Packages(ns).Delete(t.Context(), "late", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for len(got) == 0 || got[len(got)-1] != "delete late" {
		got = append(got, <-events)
	}
	if want := []string{"set early ", "synced", "set late ", "set late 2", "delete late"}; !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
}

func TestInformer_FindsByNameAndIndex(t *testing.T) {
	clients, ns := start(t)
	cache := NewCache(clients, CacheOptions{Log: testLog(t)}) // all namespaces
	informer := cache.Packages()
	informer.Index("environment", func(p *v1.Package) []string { return []string{p.Namespace + "/" + p.Spec.Environment.Name} })
	run(t, cache)
	if cache.Packages() != informer {
		t.Error("another informer of the same kind")
	}
	for _, name := range []string{"a", "b"} {
		must(clients.Packages(ns).Create(t.Context(), literal(ns, name, name), metav1.CreateOptions{}))(t)
	}
	eventually(t, "both are indexed", func() bool { return len(informer.By("environment", ns+"/node")) == 2 })
	if p, ok := informer.Get(ns, "a"); !ok || p.Name != "a" {
		t.Errorf("Get = %v, %v", p, ok)
	}
	if _, ok := informer.Get(ns, "c"); ok {
		t.Error("found what does not exist")
	}
	if informer.Len() < 2 || len(informer.List()) != informer.Len() || len(informer.By("nothing", "")) != 0 {
		t.Errorf("Len %d, List %d", informer.Len(), len(informer.List()))
	}
}

func TestInformer_KeepsObjectsSmall(t *testing.T) {
	clients, ns := start(t)
	p := literal(ns, "p", "code")
	p.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: `{"spec":{}}`, "mine": "kept"}
	must(clients.Packages(ns).Create(t.Context(), p, metav1.CreateOptions{}))(t)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "pod", Labels: map[string]string{"pick": "me"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "c", Image: "i", Env: []corev1.EnvVar{{Name: "A", Value: "b"}}, Ports: []corev1.ContainerPort{{ContainerPort: 80}},
		}}},
	}
	must(clients.Pods(ns).Create(t.Context(), pod, metav1.CreateOptions{}))(t)
	other := pod.DeepCopy()
	other.Name, other.Labels = "other", nil
	must(clients.Pods(ns).Create(t.Context(), other, metav1.CreateOptions{}))(t)

	cache := NewCache(clients, CacheOptions{Namespace: ns, Log: testLog(t)})
	packages, pods := cache.Packages(), cache.Pods(PodFilter{LabelSelector: "pick=me"})
	run(t, cache)
	got, _ := packages.Get(ns, "p")
	if len(got.ManagedFields) != 0 || got.Annotations[corev1.LastAppliedConfigAnnotation] != "" || got.Annotations["mine"] != "kept" {
		t.Errorf("metadata of the package: %+v", got.ObjectMeta)
	}
	if d := got.Spec.Deployment; len(d.Literal) != 0 || d.Empty() || d.Checksum.Sum != digestOf([]byte("code")) {
		t.Errorf("deployment: %+v", d)
	}
	if pods.Len() != 1 {
		t.Fatalf("%d pods, want the labelled one", pods.Len())
	}
	slim := pods.List()[0]
	if c := slim.Spec.Containers[0]; c.Name != "c" || c.Image != "i" || len(c.Ports) != 1 || len(c.Env) != 0 || slim.Spec.RestartPolicy != "" {
		t.Errorf("pod spec: %+v", slim.Spec)
	}
}

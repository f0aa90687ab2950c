package kube

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
)

func TestInputWatch_TellsWhichFunctionsNameWhatChanged(t *testing.T) {
	clients, ns := start(t)
	log := testLog(t)
	cache := NewCache(clients, CacheOptions{Namespace: ns, Log: log})
	told := make(chan string, 100)
	w, err := NewInputWatch(clients, cache, func(uid string) { told <- uid }, log)
	if err != nil {
		t.Fatal(err)
	}
	run(t, cache)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-ended
	})

	function := func(name, spec string) string {
		f := functionWith(t, ns, spec)
		f.Name, f.Spec.Environment.Name = name, "node"
		return string(must(clients.Functions(ns).Create(t.Context(), f, metav1.CreateOptions{}))(t).UID)
	}
	await := func(what string, uids ...string) {
		t.Helper()
		missing := map[string]bool{}
		for _, uid := range uids {
			missing[uid] = true
		}
		for timeout := time.After(20 * time.Second); len(missing) > 0; {
			select {
			case uid := <-told:
				delete(missing, uid)
			case <-timeout:
				t.Fatalf("%s: nothing was told of %v", what, missing)
			}
		}
	}
	secret := must(clients.Secrets(ns).Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}}, metav1.CreateOptions{}))(t)
	function("none", `{}`)
	file := function("file", `{secrets: [{name: s}]}`)
	variable := function("variable", `{env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}], envFrom: [{configMapRef: {name: later, optional: true}}]}`)
	await("what is there when the watch begins", file)
	eventually(t, "both kinds are watched", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.running) == 2 && len(w.functions.By(byOrigin, "Secret/"+ns+"/s")) == 2
	})

	secret.Data = map[string][]byte{"k": []byte("1")}
	must(clients.Secrets(ns).Update(t.Context(), secret, metav1.UpdateOptions{}))(t)
	await("a change", file, variable)
	must(clients.ConfigMaps(ns).Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "later"}}, metav1.CreateOptions{}))(t)
	await("a new one", variable)
	if err := clients.Secrets(ns).Delete(t.Context(), "s", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	await("a deletion", file, variable)

	for _, name := range []string{"file", "variable"} {
		if err := clients.Functions(ns).Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the watches of nobody end", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.running) == 0 && len(w.users) == 0 && len(w.named) == 0
	})
}

func TestPlacesOf_AreEachOnce(t *testing.T) {
	f := functionWith(t, "ns", `{secrets: [{name: a}, {name: b}], env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}]}`)
	if places := placesOf(f); len(places) != 1 || places[0] != (place{"ns", true}) {
		t.Errorf("places %v", places)
	}
	if places := placesOf(&v1.Function{}); places != nil {
		t.Errorf("places of nothing: %v", places)
	}
}

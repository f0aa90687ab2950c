package manifests

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/internal/manifesttest"
	"hotpod.dev/kube"
	"hotpod.dev/kube/watched"
	"hotpod.dev/kubewatcher"
	"hotpod.dev/leader"
	"hotpod.dev/wire"
)

// as returns clients with the rights that the manifests give to a component.
func as(t *testing.T, component string) *kube.Clients {
	t.Helper()
	config := server.Get(t).Config()
	config.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:fission:" + component,
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:fission", "system:authenticated"},
	}
	clients, err := kube.NewClients(config)
	if err != nil {
		t.Fatal(err)
	}
	return clients
}

func install(t *testing.T) {
	t.Helper()
	manifesttest.Apply(t, server.Get(t).Config(), manifesttest.Render(t, "kubernetes", nil))
}

// lists reports whether the component can keep all objects of the informers that watch asks for.
func lists(t *testing.T, clients *kube.Clients, watch func(*kube.Cache)) {
	t.Helper()
	cache := kube.NewCache(clients, kube.CacheOptions{Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	watch(cache)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	done := make(chan error, 1)
	go func() { done <- cache.Run(ctx) }()
	if err := cache.WaitSynced(ctx); err != nil {
		t.Errorf("list and watch: %v", err)
	}
	cancel()
	<-done
}

func TestAutoscaler_MayDoItsWorkWhereFunctionsAre(t *testing.T) {
	install(t)
	clients := as(t, "autoscaler")
	lists(t, clients, func(c *kube.Cache) {
		c.Environments()
		c.Functions()
		c.Packages()
		c.Pods(kube.PodFilter{LabelSelector: "executorType=poolmgr"})
		c.ConfigMap("fission", "config-autoscaler")
	})
	for range 2 { // made, then read
		if _, err := kube.EnsureControlKey(t.Context(), clients, "fission"); err != nil {
			t.Error(err)
		}
		if err := kube.PublishControlKey(t.Context(), clients, "fission", "key"); err != nil {
			t.Error(err)
		}
	}
	if err := kube.PublishControlKey(t.Context(), clients, "fission", "another"); err != nil {
		t.Error(err)
	}
	if public, err := kube.PublishedControlKey(t.Context(), as(t, "storagesvc"), "fission"); public != "another" || err != nil {
		t.Errorf("published is %q, %v", public, err)
	}
	leads(t, clients, "autoscaler")
	cluster := kube.NewCluster(clients)
	for _, ns := range []string{"default", "fission-function"} {
		f := &v1.Function{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "f"}, Spec: v1.FunctionSpec{Secrets: []v1.SecretReference{{Name: "none"}}}}
		if _, err := kube.NewInputs(clients).Inputs(t.Context(), f); apierrors.IsForbidden(err) {
			t.Error(err)
		}
		_, err := clients.Secrets(ns).Watch(t.Context(), metav1.ListOptions{TimeoutSeconds: new(int64)})
		_, err2 := clients.ConfigMaps(ns).Watch(t.Context(), metav1.ListOptions{TimeoutSeconds: new(int64)})
		if err := errors.Join(err, err2); err != nil {
			t.Errorf("watch what functions name: %v", err)
		}
		if _, err := cluster.Anchor(t.Context(), ns, &v1.Environment{ObjectMeta: metav1.ObjectMeta{Name: "e", Namespace: "default", UID: "1"}}); err != nil {
			t.Error(err)
		}
		pod, err := cluster.CreatePod(t.Context(), restricted(ns))
		if err != nil {
			t.Error(err)
			continue
		}
		if err := cluster.PatchPodLabels(t.Context(), ns, pod.Name, string(pod.UID), map[string]string{"a": "b"}); err != nil {
			t.Error(err)
		}
		if err := cluster.DeletePod(t.Context(), ns, pod.Name, string(pod.UID), 0); err != nil {
			t.Error(err)
		}
	}
}

// leads checks that a part may make its lease and renew it.
func leads(t *testing.T, clients *kube.Clients, name string) {
	t.Helper()
	lease := kube.NewLease(clients, "fission", name)
	for range 2 { // made, then renewed
		seen, err := lease.Read(t.Context())
		if err == nil {
			_, err = lease.Write(t.Context(), leader.Record{Holder: "me", Term: time.Second, Version: seen.Version})
		}
		if err != nil {
			t.Error(err)
		}
	}
}

func TestController_MayBuildWhereFunctionsAre(t *testing.T) {
	install(t)
	clients := as(t, "controller")
	lists(t, clients, func(c *kube.Cache) { c.Pods(kube.PodFilter{LabelSelector: "owner=buildmgr"}) })
	if _, err := kube.EnsureControlKey(t.Context(), clients, "fission"); err != nil {
		t.Error(err)
	}
	leads(t, clients, "controller")
	cluster := kube.NewCluster(clients)
	pod := restricted("fission-function")
	pod.Name = "builder"
	pod, err := cluster.CreatePod(t.Context(), pod)
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.DeletePod(t.Context(), "fission-function", pod.Name, string(pod.UID), 0); err != nil {
		t.Error(err)
	}
	e := &v1.Environment{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "e", UID: "uid-of-builds"}}
	if _, err := cluster.Anchor(t.Context(), "fission-function", e); err != nil {
		t.Error(err)
	}
	packages := clients.Packages("default")
	for name, try := range map[string]func() error{
		"changes packages": func() error {
			_, err := packages.Update(t.Context(), &v1.Package{ObjectMeta: metav1.ObjectMeta{Name: "x"}}, metav1.UpdateOptions{})
			return err
		},
		"says how builds ended": func() error {
			_, err := packages.UpdateStatus(t.Context(), &v1.Package{ObjectMeta: metav1.ObjectMeta{Name: "x"}}, metav1.UpdateOptions{})
			return err
		},
	} {
		if err := try(); apierrors.IsForbidden(err) || err == nil { // there is no such package
			t.Errorf("the controller %s: %v", name, err)
		}
	}
}

func TestController_MayKeepFunctionsServices(t *testing.T) {
	install(t)
	clients := as(t, "controller")
	lists(t, clients, func(c *kube.Cache) { c.Services(wire.LabelFunctionService) })
	services := clients.Services("default")
	wanted := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "of-a-function"},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "a.b"},
	}
	_, err := services.Create(t.Context(), wanted, metav1.CreateOptions{})
	there, err2 := services.Get(t.Context(), wanted.Name, metav1.GetOptions{})
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	there.Spec.ExternalName = "c.d"
	_, err = services.Update(t.Context(), there, metav1.UpdateOptions{})
	if err := errors.Join(err, services.Delete(t.Context(), wanted.Name, metav1.DeleteOptions{})); err != nil {
		t.Error(err)
	}
}

// restricted is a pod that Pod Security restricted admits.
func restricted(ns string) *corev1.Pod {
	yes, no := true, false
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "warm"},
		Spec: corev1.PodSpec{
			SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: &yes, SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
			Containers: []corev1.Container{{Name: "c", Image: "i", SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: &no, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			}}},
		},
	}
}

func TestStorage_MayReadWhatItChecksCallsWith(t *testing.T) {
	install(t)
	clients := as(t, "storagesvc")
	lists(t, clients, func(c *kube.Cache) { c.Packages() })
	if public, err := kube.PublishedControlKey(t.Context(), clients, "fission"); err != nil {
		t.Errorf("public key %q: %v", public, err)
	}
	first, err := kube.ReadSharedSecret(t.Context(), clients, "fission", true)
	if err != nil || len(first) == 0 {
		t.Errorf("the shared secret has %d bytes: %v", len(first), err)
	}
	if again, err := kube.ReadSharedSecret(t.Context(), clients, "fission", true); err != nil || string(again) != string(first) {
		t.Errorf("the shared secret changed: %v", err)
	}
}

func TestLogger_MayReadLogsWhereFunctionsAre(t *testing.T) {
	install(t)
	clients := as(t, "logger")
	lists(t, clients, func(c *kube.Cache) { c.Pods(kube.PodFilter{LabelSelector: "executorType"}) })
	for _, ns := range []string{"default", "fission-function"} {
		if _, err := clients.PodLogs(t.Context(), ns, "none", &corev1.PodLogOptions{}); !apierrors.IsNotFound(err) {
			t.Errorf("read a log in %s: %v", ns, err)
		}
	}
	if secret, err := kube.ReadSharedSecret(t.Context(), clients, "fission", true); err != nil || len(secret) == 0 {
		t.Errorf("the shared secret has %d bytes: %v", len(secret), err)
	}
}

func TestXDS_MayWatchRoutesFunctionsAndPods(t *testing.T) {
	install(t)
	lists(t, as(t, "xds"), func(c *kube.Cache) {
		c.HTTPTriggers()
		c.Functions()
		c.Pods(kube.PodFilter{})
	})
}

func TestTriggers_MayBeReadAndReportedOn(t *testing.T) {
	install(t)
	lists(t, as(t, "timer"), func(c *kube.Cache) { c.TimeTriggers() })
	lists(t, as(t, "kubewatcher"), func(c *kube.Cache) { c.KubernetesWatchTriggers() })
	for _, component := range []string{"timer", "kubewatcher"} {
		clients := as(t, component)
		if _, err := kube.ReadSharedSecret(t.Context(), clients, "fission", false); err != nil {
			t.Error(err)
		}
		leads(t, clients, component)
	}
	none := metav1.ObjectMeta{Namespace: "default", Name: "none"}
	err1 := kube.NewTimeTriggers(as(t, "timer")).WriteStatus(t.Context(), &v1.TimeTrigger{ObjectMeta: none}, v1.TimeTriggerStatus{})
	err2 := kube.NewWatchTriggers(as(t, "kubewatcher")).WriteStatus(t.Context(), &v1.KubernetesWatchTrigger{ObjectMeta: none}, v1.KubernetesWatchTriggerStatus{})
	if apierrors.IsForbidden(err1) || apierrors.IsForbidden(err2) {
		t.Errorf("write status: %v, %v", err1, err2)
	}
	cluster, err := watched.New(as(t, "kubewatcher"))
	if err != nil {
		t.Fatal(err)
	}
	maps := kubewatcher.Resource{GroupVersionResource: corev1.SchemeGroupVersion.WithResource("configmaps"), Kind: "ConfigMap", Namespaced: true}
	if may, _, err := cluster.MayRead(t.Context(), v1.Author{Name: "nobody"}, kubewatcher.Access{Resource: maps}); may || err != nil {
		t.Errorf("nobody may read: %v, %v", may, err)
	}
}

// What a component does not need, it may not do.
func TestComponents_MayDoNothingElse(t *testing.T) {
	install(t)
	elsewhere := server.Get(t).Namespace(t)
	get, ctx := metav1.GetOptions{}, t.Context()
	for name, try := range map[string]func() error{
		"the autoscaler reads Secrets of other namespaces": func() error {
			_, err := as(t, "autoscaler").Secrets("kube-system").Get(ctx, "x", get)
			return err
		},
		"the autoscaler reads other Secrets beside it": func() error {
			_, err := as(t, "autoscaler").Secrets("fission").Get(ctx, "x", get)
			return err
		},
		"the autoscaler lists Secrets where no functions are": func() error {
			_, err := as(t, "autoscaler").Secrets(elsewhere).List(ctx, metav1.ListOptions{})
			return err
		},
		"the autoscaler lists the Secrets of the whole cluster": func() error {
			_, err := as(t, "autoscaler").Secrets("").List(ctx, metav1.ListOptions{})
			return err
		},
		"the autoscaler watches Secrets beside it": func() error {
			_, err := as(t, "autoscaler").Secrets("fission").Watch(ctx, metav1.ListOptions{})
			return err
		},
		"the autoscaler reads other ConfigMaps beside it": func() error {
			_, err := as(t, "autoscaler").ConfigMaps("fission").Get(ctx, "x", get)
			return err
		},
		"the autoscaler makes pods where nobody allowed it": func() error {
			_, err := kube.NewCluster(as(t, "autoscaler")).CreatePod(ctx, restricted(elsewhere))
			return err
		},
		"the autoscaler makes pods beside the components": func() error {
			_, err := kube.NewCluster(as(t, "autoscaler")).CreatePod(ctx, restricted("fission"))
			return err
		},
		"the controller reads Secrets": func() error {
			_, err := as(t, "controller").Secrets("default").Get(ctx, "x", get)
			return err
		},
		"the controller deletes pods beside the components": func() error {
			return as(t, "controller").Pods("fission").Delete(ctx, "x", metav1.DeleteOptions{})
		},
		"the controller changes packages where nobody allowed it": func() error {
			_, err := as(t, "controller").Packages(elsewhere).Update(ctx, &v1.Package{ObjectMeta: metav1.ObjectMeta{Name: "x"}}, metav1.UpdateOptions{})
			return err
		},
		"the controller makes Services where nobody allowed it": func() error {
			_, err := as(t, "controller").Services(elsewhere).Create(ctx, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "x"}}, metav1.CreateOptions{})
			return err
		},
		"the controller publishes routes elsewhere than beside the router": func() error {
			foreign, err := kube.NewForeign(as(t, "controller"))
			if err != nil {
				return err
			}
			return foreign.Apply(ctx, manifesttest.Decode(t, "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: x, namespace: "+elsewhere+"}\n")[0], "test")
		},
		"the archive store reads the control key": func() error {
			_, err := as(t, "storagesvc").Secrets("fission").Get(ctx, kube.ControlKeySecret, get)
			return err
		},
		"the archive store reads other Secrets": func() error {
			_, err := as(t, "storagesvc").Secrets("default").Get(ctx, "x", get)
			return err
		},
		"the logger reads logs where nobody allowed it": func() error {
			_, err := as(t, "logger").PodLogs(ctx, elsewhere, "x", &corev1.PodLogOptions{})
			return err
		},
		"the logger reads logs of components": func() error {
			_, err := as(t, "logger").PodLogs(ctx, "fission", "x", &corev1.PodLogOptions{})
			return err
		},
		"the logger reads other Secrets": func() error {
			_, err := as(t, "logger").Secrets("fission").Get(ctx, kube.ControlKeySecret, get)
			return err
		},
		"the kubewatcher reads Secrets": func() error {
			_, err := as(t, "kubewatcher").Secrets("default").List(ctx, metav1.ListOptions{})
			return err
		},
		"the timer reads other Secrets": func() error {
			_, err := as(t, "timer").Secrets("fission").Get(ctx, kube.ControlKeySecret, get)
			return err
		},
		"the timer changes triggers": func() error {
			return as(t, "timer").TimeTriggers("default").Delete(ctx, "x", metav1.DeleteOptions{})
		},
		"xds reads packages": func() error {
			_, err := as(t, "xds").Packages("default").Get(ctx, "x", get)
			return err
		},
		"xds deletes pods": func() error {
			return as(t, "xds").Pods("default").Delete(ctx, "x", metav1.DeleteOptions{})
		},
		"the activator reads functions": func() error {
			_, err := as(t, "activator").Functions("default").Get(ctx, "x", get)
			return err
		},
		"the router reads routes": func() error {
			_, err := as(t, "router").HTTPTriggers("default").Get(ctx, "x", get)
			return err
		},
	} {
		if err := try(); !apierrors.IsForbidden(err) {
			t.Errorf("%s: %v, want Forbidden", name, err)
		}
	}
}

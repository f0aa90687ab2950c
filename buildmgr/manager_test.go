package buildmgr

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

func condOf(p *v1.Package) metav1.Condition {
	for _, c := range p.Status.Conditions {
		if c.Type == v1.ConditionBuildSucceeded {
			return c
		}
	}
	return metav1.Condition{}
}

const copies = `echo "building $1"; mkdir "$DEPLOY_PKG" && cp build.sh "$DEPLOY_PKG/" && echo `

func TestBuild_MakesADeploymentOfASource(t *testing.T) {
	w := newWorld(t)
	e := w.environment("node", "builder")
	w.pkg("p", "node", copies+`one >"$DEPLOY_PKG/out"; rm "$DEPLOY_PKG/build.sh"`)
	p := w.ended("p", v1.BuildSucceeded)
	if got := unzipped(t, p.Spec.Deployment); got != "out=one" || p.Spec.Deployment.Type != v1.ArchiveLiteral {
		t.Errorf("deployment %s", got)
	}
	if !strings.Contains(p.Status.BuildLog, "building \n") || p.Status.ContentHash != p.ContentHash(e) || p.Status.LastUpdateTimestamp.IsZero() {
		t.Errorf("status %+v", p.Status)
	}
	if c := condOf(p); c.Status != metav1.ConditionTrue || c.Reason != v1.ReasonBuilt {
		t.Errorf("condition %+v", c)
	}
	// The next build uses the same pod.
	w.pkg("q", "node", copies+`two >"$DEPLOY_PKG/out"`)
	w.ended("q", v1.BuildSucceeded)
	if n := w.made(); n != 1 {
		t.Errorf("%d builder pods for two builds", n)
	}
}

func TestBuild_ThatFailsSaysWhyAndKeepsWhatWasBuilt(t *testing.T) {
	w := newWorld(t)
	w.environment("node", "builder")
	w.pkg("p", "node", copies+`one >"$DEPLOY_PKG/out"`)
	before := w.ended("p", v1.BuildSucceeded).Spec.Deployment
	w.change("p", false, func(p *v1.Package) { p.Spec.Source = source("echo broken source >&2; exit 7") })
	p := w.ended("p", v1.BuildFailed)
	if string(p.Spec.Deployment.Literal) != string(before.Literal) {
		t.Error("the deployment is another")
	}
	if c := condOf(p); c.Reason != v1.ReasonBuildFailed || !strings.Contains(c.Message, "exit status 7") || !strings.Contains(p.Status.BuildLog, "broken source\n") {
		t.Errorf("condition %+v, log %s", c, p.Status.BuildLog)
	}
	// Nothing is built again until there is something new, or somebody asks.
	w.change("p", true, func(p *v1.Package) { p.Status.BuildStatus = v1.BuildPending })
	w.eventually("the rebuild has failed", func() bool {
		q := w.get("p")
		return q.Status.BuildStatus == v1.BuildFailed && q.ResourceVersion != p.ResourceVersion
	})
	w.change("p", false, func(p *v1.Package) { p.Spec.Source = source(copies + `two >"$DEPLOY_PKG/out"`) })
	w.ended("p", v1.BuildSucceeded)
}

func TestBuild_TakesWhatAnotherPackageWasBuiltFrom(t *testing.T) {
	w := newWorld(t)
	w.environment("node", "builder")
	count := filepath.Join(t.TempDir(), "count")
	script := "echo x >>" + count + "; " + copies + `one >"$DEPLOY_PKG/out"`
	w.pkg("p", "node", script)
	w.ended("p", v1.BuildSucceeded)
	w.pkg("twin", "node", script)
	if p := w.ended("twin", v1.BuildSucceeded); unzipped(t, p.Spec.Deployment) != unzipped(t, w.get("p").Spec.Deployment) || !strings.Contains(p.Status.BuildLog, "package p") {
		t.Errorf("log %s", p.Status.BuildLog)
	}
	builds := func() int { text, _ := os.ReadFile(count); return strings.Count(string(text), "x") }
	if n := builds(); n != 1 {
		t.Errorf("built %d times", n)
	}
	// Somebody who asks has it built all the same.
	w.change("twin", true, func(p *v1.Package) { p.Status.BuildStatus = v1.BuildPending })
	w.eventually("it was built again", func() bool { return builds() == 2 })
	w.ended("twin", v1.BuildSucceeded)
}

func TestBuild_IsCancelledWhenItsPackageChangesOrGoes(t *testing.T) {
	w := newWorld(t)
	w.environment("node", "builder")
	dir := t.TempDir()
	slow := func(name string) string {
		file := filepath.Join(dir, name)
		return "trap 'touch " + file + ".ended; exit 1' TERM; touch " + file + ".begun; sleep 60 & wait"
	}
	exists := func(name string) func() bool {
		return func() bool { _, err := os.Stat(filepath.Join(dir, name)); return err == nil }
	}
	w.pkg("p", "node", slow("first"))
	w.eventually("the first build has begun", exists("first.begun"))
	w.change("p", false, func(p *v1.Package) { p.Spec.Source = source(copies + `two >"$DEPLOY_PKG/out"`) })
	w.eventually("the first build was cancelled", exists("first.ended"))
	if p := w.ended("p", v1.BuildSucceeded); !strings.Contains(unzipped(t, p.Spec.Deployment), "out=two") {
		t.Error("the deployment is not of the second source")
	}
	w.pkg("q", "node", slow("second"))
	w.eventually("the second build has begun", exists("second.begun"))
	if err := w.clients.Packages(w.ns).Delete(t.Context(), "q", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.eventually("the second build was cancelled", exists("second.ended"))
}

func TestBuild_ThatWasInterruptedBeginsAnewInTheSamePod(t *testing.T) {
	w := newWorld(t)
	w.environment("node", "builder")
	gate := filepath.Join(t.TempDir(), "gate")
	w.pkg("p", "node", "if [ ! -e "+gate+" ]; then touch "+gate+"; sleep 60; fi; "+copies+`one >"$DEPLOY_PKG/out"`)
	w.eventually("the build has begun", func() bool { _, err := os.Stat(gate); return err == nil })
	w.restart()
	w.ended("p", v1.BuildSucceeded)
	if n := w.made(); n != 1 {
		t.Errorf("%d builder pods", n)
	}
}

func TestBuild_ShowsItsLogWhileItRuns(t *testing.T) {
	w := newWorld(t)
	w.environment("node", "builder")
	gate := filepath.Join(t.TempDir(), "gate")
	w.pkg("p", "node", "echo first step; while [ ! -e "+gate+" ]; do sleep 0.02; done; "+copies+`one >"$DEPLOY_PKG/out"`)
	w.eventually("the log has the first step", func() bool {
		p := w.get("p")
		return p.Status.BuildStatus == v1.BuildRunning && strings.Contains(p.Status.BuildLog, "first step\n")
	})
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.ended("p", v1.BuildSucceeded)
}

func TestBuild_WaitsForItsEnvironment(t *testing.T) {
	w := newWorld(t)
	w.pkg("p", "late", copies+`one >"$DEPLOY_PKG/out"`)
	w.eventually("the package says what it waits for", func() bool {
		p := w.get("p")
		return p.Status.BuildStatus == v1.BuildPending && condOf(p).Reason == v1.ReasonEnvironmentNotFound
	})
	w.environment("late", "builder")
	w.ended("p", v1.BuildSucceeded)
}

func TestBuild_WithoutBuilderFailsUntilThereIsOne(t *testing.T) {
	w := newWorld(t)
	e := w.environment("bare", "")
	w.pkg("p", "bare", copies+`one >"$DEPLOY_PKG/out"`)
	if c := condOf(w.ended("p", v1.BuildFailed)); c.Reason != v1.ReasonBuilderUnavailable || !strings.Contains(c.Message, "bare has no builder") {
		t.Errorf("condition %+v", c)
	}
	e.Spec.Builder.Image = "builder"
	if _, err := w.clients.Environments(w.ns).Update(t.Context(), e, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.ended("p", v1.BuildSucceeded)
}

func TestBuild_SaysWhyItsPodDoesNotStart(t *testing.T) {
	w := newWorld(t)
	w.waiting = &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "no such image"}
	w.environment("node", "builder")
	w.pkg("p", "node", "")
	if c := condOf(w.ended("p", v1.BuildFailed)); c.Reason != v1.ReasonBuilderUnavailable || !strings.Contains(c.Message, "no such image") {
		t.Errorf("condition %+v", c)
	}
}

func TestBuild_LeavesItsOwnersDeploymentAlone(t *testing.T) {
	w := newWorld(t)
	w.environment("node", "builder")
	p := &v1.Package{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: v1.PackageSpec{
		Environment: v1.EnvironmentReference{Name: "node"}, Source: source("exit 1"), Deployment: v1.Archive{Type: v1.ArchiveLiteral, Literal: []byte("mine")},
	}}
	if _, err := w.clients.Packages(w.ns).Create(t.Context(), p, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.pkg("q", "node", copies+`one >"$DEPLOY_PKG/out"`)
	w.ended("q", v1.BuildSucceeded) // what came after it was handled
	if p := w.get("p"); string(p.Spec.Deployment.Literal) != "mine" || p.Status.BuildStatus != "" {
		t.Errorf("package %+v", p.Status)
	}
}

func TestBuilders_AreDeletedWhenIdle(t *testing.T) {
	w := newWorld(t, func(c *Config, _ *Deps) { c.Idle = 300 * time.Millisecond })
	w.environment("node", "builder")
	w.pkg("p", "node", copies+`one >"$DEPLOY_PKG/out"`)
	w.ended("p", v1.BuildSucceeded)
	w.eventually("the pod is gone", func() bool {
		w.manager.builders.sweep(t.Context(), time.Now())
		list, err := w.clients.Pods(w.ns).List(t.Context(), metav1.ListOptions{LabelSelector: labelOwner + "=" + Owner})
		return err == nil && len(list.Items) == 0
	})
	w.pkg("q", "node", copies+`two >"$DEPLOY_PKG/out"`)
	w.ended("q", v1.BuildSucceeded)
}

func TestPodFor_IsConfinedAndWhatItsOwnerAsksFor(t *testing.T) {
	e := &v1.Environment{ObjectMeta: metav1.ObjectMeta{Name: "node", Namespace: "default", UID: "uid", ResourceVersion: "7"}}
	e.Spec.Builder = v1.Builder{
		Image: "b", PodSpec: &runtime.RawExtension{Raw: []byte(`{"nodeSelector":{"disk":"fast"}}`)},
		Container: &runtime.RawExtension{Raw: []byte(`{"env":[{"name":"PIP_INDEX_URL","value":"http://mirror"}]}`)},
	}
	cfg := DefaultConfig()
	cfg.Pod.FetcherImage, cfg.Pod.FunctionNamespace, cfg.Pod.ControlKey = "f", "pods", "key"
	pod, err := podFor(e, cfg)
	if err != nil {
		t.Fatal(err)
	}
	c := pod.Spec.Containers[0]
	if c.Name != "builder" || c.Command[0] != "/builder" || c.Command[1] != "/packages" || pod.Namespace != "pods" || pod.Spec.NodeSelector["disk"] != "fast" {
		t.Errorf("pod %+v", pod)
	}
	if l := pod.Labels; l["envName"] != "node" || l["envNamespace"] != "default" || l["envResourceVersion"] != "7" || l["owner"] != "buildmgr" {
		t.Errorf("labels %v", l)
	}
	if *pod.Spec.AutomountServiceAccountToken || !*pod.Spec.SecurityContext.RunAsNonRoot || *c.SecurityContext.AllowPrivilegeEscalation || !*c.SecurityContext.ReadOnlyRootFilesystem {
		t.Errorf("security %+v %+v", pod.Spec.SecurityContext, c.SecurityContext)
	}
	found := false
	for _, v := range c.Env {
		found = found || v.Name == "PIP_INDEX_URL"
	}
	if !found {
		t.Errorf("variables %+v", c.Env)
	}
	e.Spec.Builder.PodSpec.Raw = []byte(`{"hostNetwork":true}`)
	if _, err := podFor(e, cfg); err == nil || !strings.Contains(err.Error(), "hostNetwork") {
		t.Errorf("a pod on the host's network: %v", err)
	}
}

// store takes archives by PUT, as the archive store does.
type store struct{ url string }

func (s store) Source(a *v1.Archive) wire.Code { return wire.Code{URL: a.URL} }

func (s store) Upload(namespace, digest string, _ int64) Upload {
	return Upload{Method: http.MethodPut, URL: s.url, Archive: v1.Archive{Type: v1.ArchiveURL, URL: "http://store/" + namespace + "/" + digest}}
}

func TestBuild_SendsWhatIsLargeToTheArchiveStore(t *testing.T) {
	var got atomic.Int64
	archives := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		got.Store(n)
	}))
	defer archives.Close()
	w := newWorld(t, func(_ *Config, d *Deps) { d.Archives = store{archives.URL} })
	w.environment("node", "builder")
	w.pkg("p", "node", `mkdir "$DEPLOY_PKG" && head -c 400000 /dev/urandom >"$DEPLOY_PKG/large"`)
	p := w.ended("p", v1.BuildSucceeded)
	if d := p.Spec.Deployment; d.Type != v1.ArchiveURL || !strings.HasPrefix(d.URL, "http://store/"+w.ns+"/") || len(d.Literal) != 0 || got.Load() < 400000 {
		t.Errorf("deployment %+v, %d bytes in the store", d, got.Load())
	}
}

func TestBuild_WithoutArchiveStoreSaysThatItIsTooLarge(t *testing.T) {
	w := newWorld(t)
	w.environment("node", "builder")
	w.pkg("p", "node", `mkdir "$DEPLOY_PKG" && head -c 400000 /dev/urandom >"$DEPLOY_PKG/large"`)
	if c := condOf(w.ended("p", v1.BuildFailed)); !strings.Contains(c.Message, "no archive store") {
		t.Errorf("condition %+v", c)
	}
}

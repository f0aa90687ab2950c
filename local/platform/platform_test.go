package platform

import (
	"errors"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"hotpod.dev/local/process"
)

// keep makes an object that has to be there later.
func keep(t *testing.T, client kubernetes.Interface, name string) {
	t.Helper()
	eventually(t, "a ConfigMap can be written", func() bool {
		_, err := client.CoreV1().ConfigMaps("default").Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
		return err == nil
	})
}

func kept(t *testing.T, client kubernetes.Interface, name string) {
	t.Helper()
	if _, err := client.CoreV1().ConfigMaps("default").Get(t.Context(), name, metav1.GetOptions{}); err != nil {
		t.Errorf("ConfigMap %s is lost: %v", name, err)
	}
}

func TestPlatform_IsAClusterWithItsPart(t *testing.T) {
	h := newHarness(t)
	h.up()
	client := h.client()
	checkControllers(t, client)
	checkPart(t, h, client)
	checkSecondStart(t, h)

	// A second platform runs beside the first, at other addresses.
	other := *h
	other.launch.Dir = t.TempDir()
	other.cmd = nil
	t.Cleanup(other.cleanup)
	other.up()
	if a, b := h.state(), other.state(); a.Network == b.Network || a.APIServerPort == b.APIServerPort {
		t.Errorf("two platforms share the network %d and %d, or the port %d and %d", a.Network, b.Network, a.APIServerPort, b.APIServerPort)
	}
	other.down()
	h.down()
	if s, err := ReadStatus(t.Context(), h.launch.Dir); err != nil || s.Phase != Stopped || s.Problem != "" {
		t.Errorf("status after down is %s %q, %v", s.Phase, s.Problem, err)
	}
}

// checkControllers looks for what only the controllers make.
func checkControllers(t *testing.T, client kubernetes.Interface) {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "tenant"}}
	if _, err := client.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the namespace has a default service account", func() bool {
		_, err := client.CoreV1().ServiceAccounts("tenant").Get(t.Context(), "default", metav1.GetOptions{})
		return err == nil
	})
	eventually(t, "the namespace has the root CA", func() bool {
		ca, err := client.CoreV1().ConfigMaps("tenant").Get(t.Context(), "kube-root-ca.crt", metav1.GetOptions{})
		return err == nil && strings.Contains(ca.Data["ca.crt"], "BEGIN CERTIFICATE")
	})
	if err := client.CoreV1().Namespaces().Delete(t.Context(), "tenant", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a deleted namespace goes", func() bool {
		_, err := client.CoreV1().Namespaces().Get(t.Context(), "tenant", metav1.GetOptions{})
		return err != nil
	})
}

func checkPart(t *testing.T, h *harness, client kubernetes.Interface) {
	t.Helper()
	pods := client.CoreV1().Pods("fission")
	part, err := pods.Get(t.Context(), "controller-local", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if part.Status.PodIP == "" || !strings.HasSuffix(part.Status.PodIP, ".0.6") || unready(part) != nil {
		t.Errorf("the part is %s, %v", part.Status.PodIP, unready(part))
	}
	var log []byte
	want := Summarize("", h.state()).Router
	eventually(t, "the part's log has its kubeconfig and its file", func() bool {
		log, err = pods.GetLogs("controller-local", &corev1.PodLogOptions{}).DoRaw(t.Context())
		return err == nil && strings.Contains(string(log), "tokenFile") && strings.Contains(string(log), want)
	})
	s, err := ReadStatus(t.Context(), h.launch.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if s.Phase != Ready || s.Problem != "" || len(s.Processes) != 3 || len(s.Parts) != 1 || !s.Parts[0].Ready || len(s.Memory) < 5 {
		t.Errorf("status is %+v", s)
	}
	if info, err := os.Stat(s.Kubeconfig); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the kubeconfig is %v, %v", info.Mode(), err)
	}
}

func checkSecondStart(t *testing.T, h *harness) {
	t.Helper()
	err := Run(t.Context(), h.launch.config(), func(Summary) { t.Error("a second platform started in the folder") })
	var running *RunningError
	if !errors.As(err, &running) || running.PID != h.cmd.Process.Pid {
		t.Errorf("a second start says %v, want the process %d", err, h.cmd.Process.Pid)
	}
	taken := h.launch.config()
	taken.Dir, taken.RouterPort = t.TempDir(), h.state().APIServerPort
	err = Run(t.Context(), taken, func(Summary) { t.Error("a platform started at a taken port") })
	if err == nil || !strings.Contains(err.Error(), "--router-port") {
		t.Errorf("a taken port says %v", err)
	}
}

func TestPlatform_StartsAgainWhatIsKilled(t *testing.T) {
	h := newHarness(t)
	h.up()
	client := h.client()
	for i := range h.state().Processes {
		var process process.Status
		// It may have died with the one before.
		eventually(t, "the process runs and is killed", func() bool {
			process = h.state().Processes[i]
			return process.Identity.Alive() && syscall.Kill(process.Identity.PID, syscall.SIGKILL) == nil
		})
		eventually(t, process.Name+" runs again", func() bool {
			now := h.state().Processes[i]
			return now.Restarts > process.Restarts && now.Identity.Alive()
		})
		keep(t, client, "after-"+process.Name)
	}
	for _, process := range h.state().Processes {
		kept(t, client, "after-"+process.Name)
	}
	checkControllers(t, client)
	h.down()
}

func TestPlatform_FindsEverythingAgain(t *testing.T) {
	h := newHarness(t)
	h.up()
	keep(t, h.client(), "first")
	before := h.state()
	h.down()
	h.up()
	kept(t, h.client(), "first")
	keep(t, h.client(), "second")
	if after := h.state(); after.Network != before.Network {
		t.Errorf("the network was %d and is %d", before.Network, after.Network)
	}

	// A killed supervisor leaves nothing that a stop would not end, and loses nothing.
	if err := h.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the supervisor is gone", func() bool { return !h.state().Running() })
	if s, err := ReadStatus(t.Context(), h.launch.Dir); err != nil || !strings.Contains(s.Problem, "killed") {
		t.Errorf("status says %q, %v", s.Problem, err)
	}
	h.down()
	h.up()
	kept(t, h.client(), "second")
	if err := h.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the supervisor is gone", func() bool { return !h.state().Running() })
	h.up() // without a stop between
	kept(t, h.client(), "second")
	if err := Reset(t.Context(), h.launch.Dir, slog.New(slog.DiscardHandler)); err != nil {
		t.Error(err)
	}
	h.nothingLeft()
	if _, err := os.Stat(h.launch.Dir); err == nil {
		t.Error("the folder is still there after a reset")
	}
}

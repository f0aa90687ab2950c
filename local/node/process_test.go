package node

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"hotpod.dev/local/node/sandbox"
)

const idle = "exec sleep 1000"

// emptyDir adds a volume that all containers have at /v, and returns its place on the host.
func emptyDir(pod *corev1.Pod) func(f *fixture) string {
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: "v", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}})
	for _, c := range allContainers(pod) {
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: "v", MountPath: "/v"})
	}
	return func(f *fixture) string { return f.paths.volume("v") }
}

func command(script string) corev1.ProbeHandler {
	return corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"/bin/sh", "-c", script}}}
}

func TestProcess_ACrashIsShownAndItsLogKept(t *testing.T) {
	f := start(t, shellPod(`echo "I am $$ run"; echo last words >/dev/termination-log; exit 3`))
	f.eventually("third run", func() bool { return f.container().RestartCount >= 2 })
	last := f.container().LastTerminationState.Terminated
	if last == nil {
		last = f.container().State.Terminated
	}
	if last == nil || last.ExitCode != 3 || last.Reason != "Error" || last.Message != "last words\n" {
		t.Errorf("termination %+v", last)
	}
	if !strings.Contains(f.log(1), "run\n") {
		t.Errorf("log of the previous run: %q", f.log(1))
	}
	if f.log(0) != "" {
		t.Error("the log of the run before the previous one is still there")
	}
}

func TestProcess_PoliciesDecideThePhase(t *testing.T) {
	for name, c := range map[string]struct {
		policy corev1.RestartPolicy
		script string
		want   corev1.PodPhase
	}{
		"never, failed":        {corev1.RestartPolicyNever, "exit 1", corev1.PodFailed},
		"never, succeeded":     {corev1.RestartPolicyNever, "exit 0", corev1.PodSucceeded},
		"on failure, succeeds": {corev1.RestartPolicyOnFailure, "test -e /v/again && exit 0; touch /v/again; exit 1", corev1.PodSucceeded},
	} {
		t.Run(name, func(t *testing.T) {
			pod := shellPod(c.script)
			emptyDir(pod)
			pod.Spec.RestartPolicy = c.policy
			f := start(t, pod)
			f.eventually("phase "+string(c.want), func() bool { return f.api.last().Phase == c.want })
			<-f.finished
		})
	}
}

func TestProcess_ReadinessFollowsTheProbe(t *testing.T) {
	pod := shellPod(idle)
	dir := emptyDir(pod)
	pod.Spec.Containers[0].ReadinessProbe = &corev1.Probe{ProbeHandler: command("test -e /v/ok"), PeriodSeconds: 1, FailureThreshold: 1}
	f := start(t, pod)
	f.eventually("running", func() bool { return f.container().State.Running != nil })
	if isReady(f.api.last()) {
		t.Error("ready before its probe succeeded")
	}
	ok := filepath.Join(dir(f), "ok")
	if err := os.WriteFile(ok, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f.ready()
	if err := os.Remove(ok); err != nil {
		t.Fatal(err)
	}
	f.eventually("not ready", func() bool { return !isReady(f.api.last()) })
	f.eventually("event", func() bool { return f.events.has("Unhealthy: Readiness probe failed: command exited with code 1") })
}

func TestProcess_FailedLivenessRestarts(t *testing.T) {
	pod := shellPod("echo started; touch /v/ok; " + idle)
	dir := emptyDir(pod)
	pod.Spec.TerminationGracePeriodSeconds = new(int64(1))
	pod.Spec.Containers[0].LivenessProbe = &corev1.Probe{ProbeHandler: command("test -e /v/ok"), PeriodSeconds: 1, FailureThreshold: 1, InitialDelaySeconds: 1}
	f := start(t, pod)
	f.ready()
	f.eventually("file", func() bool { return os.Remove(filepath.Join(dir(f), "ok")) == nil })
	f.eventually("restart", func() bool { return f.container().RestartCount == 1 && f.container().State.Running != nil })
	if !f.events.has("Killing: Container c failed liveness probe") {
		t.Errorf("events %q", f.events.all())
	}
}

func TestProcess_AFailedStartupProbeRestarts(t *testing.T) {
	pod := shellPod(idle)
	pod.Spec.TerminationGracePeriodSeconds = new(int64(1))
	pod.Spec.Containers[0].StartupProbe = &corev1.Probe{ProbeHandler: command("exit 1"), PeriodSeconds: 1, FailureThreshold: 1}
	f := start(t, pod)
	f.eventually("restart", func() bool { return f.container().RestartCount >= 1 })
	if isReady(f.api.last()) {
		t.Error("ready although it never started")
	}
}

func TestProcess_HooksRun(t *testing.T) {
	pod := shellPod(`trap 'cat /v/hook; exit 0' TERM; while :; do sleep 0.02; done`)
	emptyDir(pod)
	pod.Spec.Containers[0].Lifecycle = &corev1.Lifecycle{
		PostStart: &corev1.LifecycleHandler{Exec: command("echo started >/v/hook").Exec},
		PreStop:   &corev1.LifecycleHandler{Exec: command("echo stopping >>/v/hook").Exec},
	}
	f := start(t, pod)
	f.ready()
	f.stop.order(10*time.Second, true)
	<-f.finished
	if got := f.log(0); got != "started\nstopping\n" {
		t.Errorf("log %q", got)
	}
	f.eventually("object is removed", f.api.gone)
}

func TestProcess_InitsRunInOrderAndSidecarsServeTheOthers(t *testing.T) {
	pod := shellPod("echo main >>/v/log; exit 0")
	always := corev1.ContainerRestartPolicyAlways
	pod.Spec.RestartPolicy = corev1.RestartPolicyNever
	pod.Spec.InitContainers = []corev1.Container{
		{Name: "one", Image: "shell", Args: []string{"echo one >>/v/log"}},
		{
			Name: "side", Image: "shell", Args: []string{`trap 'echo side >>/v/log; exit 0' TERM; touch /v/up; while :; do sleep 0.02; done`}, RestartPolicy: &always,
			StartupProbe: &corev1.Probe{ProbeHandler: command("test -e /v/up")},
		},
		{Name: "two", Image: "shell", Args: []string{"echo two >>/v/log"}},
	}
	emptyDir(pod)
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: "out", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}})
	// The volume goes with the pod; a sidecar that ends last tells what it saw.
	pod.Spec.InitContainers[1].Args[0] = `trap 'echo side >>/v/log; cat /v/log; exit 0' TERM; touch /v/up; while :; do sleep 0.02; done`
	f := start(t, pod)
	<-f.finished
	data, err := os.ReadFile(logPath(f.host.dir, f.object(), "side", 0))
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for line := range strings.Lines(string(data)) {
		words = append(words, strings.Fields(line)[3])
	}
	if got := strings.Join(words, " "); got != "one two main side" {
		t.Errorf("order %q", got)
	}
	if s := f.api.last(); s.Phase != corev1.PodSucceeded {
		t.Errorf("phase %s", s.Phase)
	}
}

func TestProcess_AFailedInitFailsThePod(t *testing.T) {
	pod := shellPod(idle)
	pod.Spec.RestartPolicy = corev1.RestartPolicyNever
	pod.Spec.InitContainers = []corev1.Container{{Name: "bad", Image: "shell", Args: []string{"exit 2"}}}
	f := start(t, pod)
	<-f.finished
	if s := f.api.last(); s.Phase != corev1.PodFailed || s.ContainerStatuses[0].State.Running != nil {
		t.Errorf("status %+v", s)
	}
}

func TestProcess_ChangedConfigMapsReachTheVolume(t *testing.T) {
	pod := shellPod(`while :; do cat /config/a; sleep 0.02; done`)
	pod.Spec.Volumes = []corev1.Volume{{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: "cm"},
	}}}}
	pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "config", MountPath: "/config"}}
	h, objects, events := testHost(t)
	put := func(text string) {
		cm := &corev1.ConfigMap{Data: map[string]string{"a": text}}
		cm.Name, cm.Namespace = "cm", "ns"
		objects.put(cm)
	}
	put("old\n")
	f := startOn(t, h, objects, events, pod)
	f.eventually("old text", func() bool { return strings.Contains(f.log(0), "old\n") })
	put("new\n")
	f.eventually("new text", func() bool { return strings.HasSuffix(f.log(0), "new\n") })
	if text := strings.ReplaceAll(strings.ReplaceAll(f.log(0), "old\n", ""), "new\n", ""); text != "" {
		t.Errorf("between old and new: %q", text)
	}
}

func TestProcess_AMissingSecretIsToldAndWaitedFor(t *testing.T) {
	pod := shellPod("echo $KEY; " + idle)
	pod.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "KEY", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: "s"}, Key: "k",
	}}}}
	f := start(t, pod)
	f.eventually("reason", func() bool {
		w := f.container().State.Waiting
		return w != nil && w.Reason == "CreateContainerConfigError" && strings.Contains(w.Message, `secret "s" not found`)
	})
	secret := &corev1.Secret{Data: map[string][]byte{"k": []byte("opened")}}
	secret.Name, secret.Namespace = "s", "ns"
	f.objects.put(secret)
	f.ready()
	f.eventually("output", func() bool { return f.log(0) == "opened\n" })
}

func TestProcess_AKilledInitIsReplaced(t *testing.T) {
	f := start(t, shellPod(idle))
	f.ready()
	f.boxMu.Lock()
	pid := f.box.(*realBox).PID()
	f.boxMu.Unlock()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	f.eventually("restart in a new box", func() bool { return f.container().RestartCount == 1 && isReady(f.api.last()) })
	if !f.events.has("SandboxChanged") {
		t.Errorf("events %q", f.events.all())
	}
}

func TestProcess_HasANumberOnTheHost(t *testing.T) {
	mark := fmt.Sprintf("7%d", os.Getpid())
	f := start(t, shellPod("exec sleep "+mark))
	f.ready()
	f.eventually("the shell became sleep", func() bool { return running(t, "sleep", mark) == 1 })
	f.mu.Lock()
	p := f.worker.running["c"]
	f.mu.Unlock()
	if data, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.PID())); err != nil || string(data) != "sleep\x00"+mark+"\x00" {
		t.Errorf("process %d is %q, %v", p.PID(), data, err)
	}
}

func TestProcess_ProgramsThatDoNotExistAreToldOf(t *testing.T) {
	pod := shellPod("")
	pod.Spec.Containers[0].Command = []string{"no-such-program"}
	pod.Spec.Containers[0].Args = nil
	f := start(t, pod)
	f.eventually("start error", func() bool {
		return f.events.has(`Failed: Error: failed to start container "c": execute no-such-program: not found in PATH`)
	})
	f.eventually("state", func() bool {
		c := f.container()
		return c.LastTerminationState.Terminated != nil && c.LastTerminationState.Terminated.Reason == "StartError"
	})
}

func TestProcess_HostPathIsForStaticPods(t *testing.T) {
	pod := shellPod("cat /host/file; " + idle)
	host := t.TempDir()
	if err := os.WriteFile(filepath.Join(host, "file"), []byte("of the host\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	pod.Spec.Volumes = []corev1.Volume{{Name: "h", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: host}}}}
	pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "h", MountPath: "/host"}}
	f := start(t, pod)
	f.eventually("refusal", func() bool {
		return f.events.has(`FailedMount: MountVolume.SetUp failed for volume "h": hostPath volumes are for`)
	})
	h, objects, events := testHost(t)
	api := &memoryPublisher{}
	s := &fixture{worker: newWorker(h, api, pod, true), t: t, objects: objects, events: events, api: api}
	go s.run()
	t.Cleanup(func() { s.stop.order(0, false); <-s.finished })
	s.eventually("static pod reads the host's file", func() bool { return s.log(0) == "of the host\n" })
}

func TestProcess_MustNotBeRoot(t *testing.T) {
	pod := shellPod("id -u; " + idle)
	pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsNonRoot: new(true)}
	f := start(t, pod)
	f.ready()
	f.eventually("output", func() bool { return f.log(0) != "" })
	if f.log(0) == "0\n" {
		t.Error("runs as root")
	}
}

func TestProcess_WithoutNamespacesVolumesAreInTheEnvironment(t *testing.T) {
	pod := shellPod(`cat $HOTPOD_MOUNT_V/f /v/f $CONFIG; echo; ` + idle)
	dir := emptyDir(pod)
	pod.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "CONFIG", Value: "/v/f"}}
	pod.Spec.Containers[0].Lifecycle = nil
	pod.Spec.InitContainers = []corev1.Container{{Name: "i", Image: "shell", Args: []string{"printf text >/v/f"}, VolumeMounts: pod.Spec.Containers[0].VolumeMounts}}
	h, objects, events := testHost(t)
	h.plain = true
	f := startOn(t, h, objects, events, pod)
	f.ready()
	f.eventually("output", func() bool { return f.log(0) == "texttexttext\n" })
	if !events.has("NamespacesUnavailable") {
		t.Errorf("events %q", events.all())
	}
	if _, err := os.Stat(filepath.Join(dir(f), "f")); err != nil {
		t.Error(err)
	}
	f.stop.order(0, false)
	<-f.finished
}

func TestProcess_NothingIsLeft(t *testing.T) {
	mark := fmt.Sprintf("9%d", os.Getpid())
	pod := shellPod(fmt.Sprintf(`setsid sleep %s & (sleep %s &) ; trap '' TERM; while :; do sleep 0.05; done`, mark, mark))
	pod.Spec.TerminationGracePeriodSeconds = new(int64(1))
	f := start(t, pod)
	f.ready()
	f.eventually("children run", func() bool { return running(t, "sleep", mark) == 2 })
	f.stop.order(0, true)
	<-f.finished
	if n := running(t, "sleep", mark); n != 0 {
		t.Errorf("%d processes are left", n)
	}
	if _, err := os.Stat(f.paths.dir); !os.IsNotExist(err) {
		t.Errorf("pod directory is left: %v", err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(mounts), f.host.dir) {
		t.Errorf("a mount is left, or %v", err)
	}
}

// running counts the processes with these arguments.
func running(t *testing.T, args ...string) int {
	t.Helper()
	want := strings.Join(args, "\x00") + "\x00"
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, path := range lines {
		if data, err := os.ReadFile(path); err == nil && string(data) == want {
			count++
		}
	}
	return count
}

func TestInherited_ContainersOfAnEarlierAgentAreStartedAgain(t *testing.T) {
	pod := shellPod(idle)
	pod.Status.Phase = corev1.PodRunning
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: "c", RestartCount: 4, ContainerID: "hotpod://old", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
	}}
	f := start(t, pod)
	f.ready()
	c := f.container()
	if c.RestartCount != 5 || c.LastTerminationState.Terminated == nil || c.LastTerminationState.Terminated.Reason != "ContainerStatusUnknown" {
		t.Errorf("container %+v", c)
	}
}

func TestBoxes_EndWithTheirAgent(t *testing.T) {
	if os.Getenv("HOTPOD_TEST_AGENT") != "" {
		runUntilKilled(t)
		return
	}
	// The agent is this test itself, run once more as a process that can be killed.
	agent := exec.Command(os.Args[0], "-test.run=^TestBoxes_EndWithTheirAgent$")
	agent.Env = append(os.Environ(), "HOTPOD_TEST_AGENT=1", "HOTPOD_POD_INIT="+initPath)
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = agent.Process.Kill(); _ = agent.Wait() })
	mark := fmt.Sprintf("8%d", agent.Process.Pid)
	for deadline := time.Now().Add(20 * time.Second); running(t, "sleep", mark) != 2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the pods do not start")
		}
	}
	if err := agent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); running(t, "sleep", mark) != 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("processes outlive their agent")
		}
	}
}

// runUntilKilled starts one pod with namespaces and one without.
func runUntilKilled(t *testing.T) {
	t.Helper()
	for i, plain := range []bool{false, true} {
		h, objects, events := testHost(t)
		h.plain, h.makeBox = plain, boxes(sandbox.NewLauncher(initPath))
		pod := shellPod(fmt.Sprintf("setsid sleep 8%d & trap '' TERM; while :; do sleep 0.05; done", os.Getpid()))
		pod.Name = fmt.Sprintf("p%d", i)
		startOn(t, h, objects, events, pod).ready()
	}
	select {}
}

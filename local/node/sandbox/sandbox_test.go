package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotpod.dev/local/node/podinit"
)

var initPath string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

// buildAndRun builds init, unless HOTPOD_POD_INIT names one: another user may
// have no Go toolchain.
func buildAndRun(m *testing.M) int {
	if initPath = os.Getenv("HOTPOD_POD_INIT"); initPath != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "sandbox-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	initPath = filepath.Join(dir, "hotpod-pod-init")
	build := exec.Command("go", "build", "-o", initPath, "hotpod.dev/local/cmd/hotpod-pod-init")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build init: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// hostBinds is the part of the host that a shell needs.
func hostRoot(t *testing.T) podinit.Root {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	root := podinit.Root{
		Dir: filepath.Join(dir, "root"), Hostname: "pod-1", Volumes: filepath.Join(dir, "volumes"),
		Links: map[string]string{}, Files: map[string]string{"/etc/hosts": "127.0.0.1 localhost\n"},
	}
	for _, d := range []string{root.Dir, root.Volumes} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"usr", "bin", "sbin", "lib", "lib64", "etc"} {
		if target, err := os.Readlink("/" + name); err == nil {
			root.Links["/"+name] = target
		} else if _, err := os.Stat("/" + name); err == nil {
			root.Binds = append(root.Binds, podinit.Bind{Source: "/" + name, Target: "/" + name})
		}
	}
	return root
}

func startPod(t *testing.T, root podinit.Root) *Pod {
	t.Helper()
	pod, err := NewLauncher(initPath).Start(t.Context(), Options{Root: root, UID: os.Getuid(), GID: os.Getgid(), Log: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pod.Kill)
	return pod
}

// output runs a shell script as a container and returns what it wrote and its exit code.
func output(t *testing.T, pod *Pod, spec podinit.Process) (string, Exit) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	process, err := pod.Start(t.Context(), spec, Streams{Out: w, Err: w})
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	wait(t, process.Done())
	return string(text), process.Exit()
}

func shell(script string) podinit.Process {
	return podinit.Process{Args: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=/usr/bin:/bin"}}
}

func wait(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("still waiting after 10 s")
	}
}

func TestPod_HasARootOfItsOwn(t *testing.T) {
	pod := startPod(t, hostRoot(t))
	text, exit := output(t, pod, shell(`
		hostname; id -u; ls /home /root 2>&1 | grep -c 'No such'; echo x >/tmp/x && cat /tmp/x
		touch /usr/x 2>&1 | grep -o 'Read-only file system'; cat /etc/hosts; ls -d /proc/1 /dev/null /dev/shm
		grep CapEff /proc/self/status; grep NoNewPrivs /proc/self/status; test -r /etc/passwd && echo passwd; echo y >/dev/null; exit 3`))
	want := fmt.Sprintf("pod-1\n%d\n2\nx\nRead-only file system\n127.0.0.1 localhost\n/dev/null\n/dev/shm\n/proc/1\n"+
		"CapEff:\t0000000000000000\nNoNewPrivs:\t1\npasswd\n", os.Getuid())
	if text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	if exit.Code != 3 || exit.Signal != 0 {
		t.Errorf("exit %+v, want code 3", exit)
	}
}

func TestPod_MountsVolumesPerContainer(t *testing.T) {
	root := hostRoot(t)
	for path, content := range map[string]string{"code/main.js": "hello", "secret/key": "s3"} {
		full := filepath.Join(root.Volumes, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), os.WriteFile(full, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(root.Volumes, "mem"), 0o755); err != nil {
		t.Fatal(err)
	}
	root.Tmpfs = map[string]string{"mem": "size=1m"}
	root.Points = []podinit.Point{
		{Path: "/userfunc"},
		{Path: "/etc/podinfo"},
		{Path: "/usr/share/key", File: true},
		{Path: "/mem"},
		{Path: "/var/run/secrets/kubernetes.io/serviceaccount"},
	}
	pod := startPod(t, root)
	spec := shell(`cat /userfunc/main.js /etc/podinfo/key /usr/share/key /var/run/secrets/kubernetes.io/serviceaccount/key; echo
		echo new >/userfunc/new; echo bad 2>/dev/null >/etc/podinfo/new || echo refused; ls -A /.hotpod/volumes; test -d /usr/share/doc && grep -c . /etc/passwd >/dev/null && echo usr
		df /mem | grep -o '1024 ' | head -n 1`)
	spec.Mounts = []podinit.Mount{
		{Source: podinit.VolumesDir + "/code", Target: "/userfunc"},
		{Source: podinit.VolumesDir + "/mem", Target: "/mem"},
		{Source: podinit.VolumesDir + "/secret", Target: "/etc/podinfo", ReadOnly: true},
		{Source: podinit.VolumesDir + "/secret/key", Target: "/usr/share/key", ReadOnly: true},
		{Source: podinit.VolumesDir + "/secret", Target: "/var/run/secrets/kubernetes.io/serviceaccount", ReadOnly: true},
	}
	text, _ := output(t, pod, spec)
	if want := "hellos3s3s3\nrefused\nusr\n1024 \n"; text != want {
		t.Errorf("got %q, want %q", text, want)
	}
	if data, err := os.ReadFile(filepath.Join(root.Volumes, "code/new")); err != nil || string(data) != "new\n" {
		t.Errorf("volume on the host: %q, %v", data, err)
	}
	text, _ = output(t, pod, shell("ls -A /userfunc/* /etc/podinfo/* 2>/dev/null"))
	if text != "" {
		t.Errorf("a container without mounts sees %q", text)
	}
}

func TestPod_ReadOnlyRoot(t *testing.T) {
	root := hostRoot(t)
	if err := os.Mkdir(filepath.Join(root.Volumes, "tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	root.Points = []podinit.Point{{Path: "/data"}}
	spec := shell(`echo x 2>/dev/null >/tmp/x || echo refused; echo x >/data/x && cat /data/x`)
	spec.ReadOnlyRoot = true
	spec.Mounts = []podinit.Mount{{Source: podinit.VolumesDir + "/tmp", Target: "/data"}}
	if text, _ := output(t, startPod(t, root), spec); text != "refused\nx\n" {
		t.Errorf("got %q", text)
	}
}

func TestPod_SaysWhyAProgramCannotStart(t *testing.T) {
	pod := startPod(t, hostRoot(t))
	_, err := pod.Start(t.Context(), podinit.Process{Args: []string{"no-such-program"}, Env: []string{"PATH=/bin"}}, Streams{})
	if err == nil || err.Error() != "execute no-such-program: not found in PATH /bin" {
		t.Errorf("error %v", err)
	}
	if text, _ := output(t, pod, shell("echo fine")); text != "fine\n" {
		t.Errorf("the pod does not go on: %q", text)
	}
}

func TestPod_ExecJoinsTheContainer(t *testing.T) {
	root := hostRoot(t)
	if err := os.Mkdir(filepath.Join(root.Volumes, "v"), 0o755); err != nil {
		t.Fatal(err)
	}
	root.Points = []podinit.Point{{Path: "/v"}}
	pod := startPod(t, root)
	spec := shell("echo made >/v/f; exec sleep 1000")
	spec.Mounts = []podinit.Mount{{Source: podinit.VolumesDir + "/v", Target: "/v"}}
	main, err := pod.Start(t.Context(), spec, Streams{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { _, err := os.Stat(filepath.Join(root.Volumes, "v/f")); return err == nil })
	in, inWriter, _ := os.Pipe()
	out, outWriter, _ := os.Pipe()
	session, err := pod.Exec(t.Context(), main, shell("cat /v/f; cat; exit 4"), false, Streams{In: in, Out: outWriter})
	if err != nil {
		t.Fatal(err)
	}
	in.Close()
	outWriter.Close()
	fmt.Fprint(inWriter, "typed")
	inWriter.Close()
	text, _ := io.ReadAll(out)
	wait(t, session.Done())
	if string(text) != "made\ntyped" || session.Exit().Code != 4 {
		t.Errorf("got %q, exit %+v", text, session.Exit())
	}
}

func TestPod_ExecWithTerminal(t *testing.T) {
	pod := startPod(t, hostRoot(t))
	main, err := pod.Start(t.Context(), shell("exec sleep 1000"), Streams{})
	if err != nil {
		t.Fatal(err)
	}
	session, err := pod.Exec(t.Context(), main, shell("tty; stty size; read x; echo got $x"), true, Streams{})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Terminal().Close()
	if err := Resize(session.Terminal(), 120, 40); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(session.Terminal(), "word\n")
	var seen bytes.Buffer
	_, _ = io.Copy(&seen, session.Terminal())
	if text := seen.String(); !strings.Contains(text, "/dev/pts/0") || !strings.Contains(text, "got word") {
		t.Errorf("terminal showed %q", text)
	}
	wait(t, session.Done())
}

func TestProcess_SignalsReachTheProgram(t *testing.T) {
	pod := startPod(t, hostRoot(t))
	r, w, _ := os.Pipe()
	process, err := pod.Start(t.Context(), shell(`trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done`), Streams{Out: w})
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	if _, err := io.ReadFull(r, make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	process.Signal(syscall.SIGTERM)
	wait(t, process.Done())
	if process.Exit().Code != 7 {
		t.Errorf("exit %+v, want the trap's 7", process.Exit())
	}
}

func TestProcess_KillAllEndsWhatItLeft(t *testing.T) {
	pod := startPod(t, hostRoot(t))
	other, err := pod.Start(t.Context(), shell("exec sleep 1000"), Streams{})
	if err != nil {
		t.Fatal(err)
	}
	r, w, _ := os.Pipe()
	process, err := pod.Start(t.Context(), shell(`setsid sleep 1001 & sleep 1002 & exec sleep 1003`), Streams{Out: w})
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	process.KillAll()
	wait(t, process.Done())
	if process.Exit().Signal != int(syscall.SIGKILL) || process.Exit().Code != 137 {
		t.Errorf("exit %+v", process.Exit())
	}
	// The pipe reaches its end only when nobody of the container holds it.
	if _, err := io.ReadAll(r); err != nil {
		t.Fatal(err)
	}
	select {
	case <-other.Done():
		t.Error("another container was killed too")
	default:
	}
}

func TestPod_KillLeavesNothing(t *testing.T) {
	pod := startPod(t, hostRoot(t))
	r, w, _ := os.Pipe()
	process, err := pod.Start(t.Context(), shell(`(setsid sleep 1000 &) ; trap '' TERM INT HUP; while :; do sleep 1; done`), Streams{Out: w})
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	pod.Kill()
	wait(t, process.Done())
	if _, err := io.ReadAll(r); err != nil {
		t.Fatal(err)
	}
	if _, err := pod.Start(t.Context(), shell("true"), Streams{}); !errors.Is(err, ErrGone) {
		t.Errorf("start in a killed pod: %v", err)
	}
}

func TestPod_PlainModeEndsItsDescendants(t *testing.T) {
	pod := startPod(t, podinit.Root{Plain: true})
	r, w, _ := os.Pipe()
	spec := shell(`setsid sh -c 'sleep 1000 & sleep 1001' & sleep 1002`)
	spec.Plain = true
	if _, err := pod.Start(t.Context(), spec, Streams{Out: w}); err != nil {
		t.Fatal(err)
	}
	w.Close()
	pod.Kill()
	if _, err := io.ReadAll(r); err != nil {
		t.Fatal(err)
	}
}

func TestLauncher_ProbeFindsNamespaces(t *testing.T) {
	if err := NewLauncher(initPath).Probe(context.Background(), t.TempDir()); err != nil {
		t.Skipf("this kernel gives no namespaces to this user: %v", err)
	}
}

func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("condition not met within 10 s")
		}
	}
}

func BenchmarkPod_StartToExit(b *testing.B) {
	launcher := NewLauncher(initPath)
	for b.Loop() {
		dir := b.TempDir()
		root := podinit.Root{
			Dir: dir, Hostname: "b", Links: map[string]string{"/bin": "usr/bin", "/lib": "usr/lib", "/lib64": "usr/lib64"},
			Binds: []podinit.Bind{{Source: "/usr", Target: "/usr"}, {Source: "/etc", Target: "/etc"}},
		}
		pod, err := launcher.Start(b.Context(), Options{Root: root, UID: os.Getuid(), GID: os.Getgid()})
		if err != nil {
			b.Fatal(err)
		}
		process, err := pod.Start(b.Context(), shell("exit 0"), Streams{})
		if err != nil {
			b.Fatal(err)
		}
		<-process.Done()
		pod.Kill()
	}
}

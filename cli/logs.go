package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// logFlags are those of logs.
type logFlags struct {
	name   string
	follow bool
	tail   int64
	since  time.Duration
	prefix bool
}

func (a *app) functionLogs() *cobra.Command {
	var (
		f      logFlags
		dbType string
	)
	n := a.functions()
	cmd := &cobra.Command{
		Use: "logs NAME", Aliases: []string{"log"}, Short: "Print what a function wrote, from all its pods", ValidArgsFunction: n.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom("function", args, f.name)
			if err != nil {
				return err
			}
			fn, err := n.get(cmd.Context(), name)
			if err != nil {
				return err
			}
			return a.logs(cmd.Context(), fn, f)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.name, "name", "", "name")
	fs.BoolVarP(&f.follow, "follow", "f", false, "go on as lines come, also from pods that start later")
	fs.Int64Var(&f.tail, "recordcount", 20, "lines of each pod to begin with; -1 for all")
	fs.Int64Var(&f.tail, "tail", 20, "same as --recordcount")
	fs.DurationVar(&f.since, "since", 0, "only lines newer than this")
	fs.BoolVar(&f.prefix, "prefix", false, "begin each line with the pod's name")
	fs.StringVar(&dbType, "dbtype", "kubernetes", "where logs are kept: kubernetes")
	fs.BoolVar(new(bool), "all-pods", true, "kept for compatibility: all pods are always read")
	return cmd
}

// logs prints the lines of the function's pods; with follow, of those that come later too, until ctx ends.
func (a *app) logs(ctx context.Context, fn *v1.Function, f logFlags) error {
	pods, err := a.podsOf(ctx, string(fn.UID))
	if err != nil {
		return fmt.Errorf("list pods: %w", err)
	}
	if len(pods) == 0 {
		a.progress("function %s has no pods now: logs of pods that are gone are not kept", fn.Name)
	}
	out := &lineWriter{w: a.Out}
	if !f.follow {
		for i := range pods {
			if pods[i].Status.Phase == corev1.PodPending {
				continue // it has no log yet
			}
			if err := a.podLogs(ctx, &pods[i], f, out); err != nil {
				return err
			}
		}
		return nil
	}
	return a.followLogs(ctx, fn, f, out)
}

// followLogs reads every pod once, from when it is seen first.
func (a *app) followLogs(ctx context.Context, fn *v1.Function, f logFlags, out *lineWriter) error {
	w, err := a.clients.Pods(metav1.NamespaceAll).Watch(ctx, metav1.ListOptions{LabelSelector: wire.LabelFunctionUID + "=" + string(fn.UID)})
	if err != nil {
		return fmt.Errorf("watch pods: %w", err)
	}
	defer w.Stop()
	var readers sync.WaitGroup
	defer readers.Wait()
	seen := map[string]bool{}
	for event := range w.ResultChan() {
		pod, ok := event.Object.(*corev1.Pod)
		if !ok || seen[string(pod.UID)] || pod.Status.Phase == corev1.PodPending { // which has no log yet
			continue
		}
		seen[string(pod.UID)] = true
		readers.Go(func() {
			if err := a.podLogs(ctx, pod, f, out); err != nil && ctx.Err() == nil {
				a.progress("note: %v", err)
			}
		})
	}
	return nil
}

func (a *app) podLogs(ctx context.Context, pod *corev1.Pod, f logFlags, out *lineWriter) error {
	opts := &corev1.PodLogOptions{Container: runtimeContainer(pod), Follow: f.follow}
	if f.tail >= 0 {
		opts.TailLines = &f.tail
	}
	if f.since > 0 {
		seconds := int64(f.since.Seconds())
		opts.SinceSeconds = &seconds
	}
	stream, err := a.clients.PodLogs(ctx, pod.Namespace, pod.Name, opts)
	if err != nil {
		return fmt.Errorf("read logs of pod %s: %w", pod.Name, err)
	}
	defer stream.Close()
	prefix := ""
	if f.prefix {
		prefix = "[" + pod.Name + "] "
	}
	lines := bufio.NewReader(stream)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			if werr := out.write(prefix, line); werr != nil {
				return werr
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read logs of pod %s: %w", pod.Name, err)
		}
	}
}

// runtimeContainer is the container that runs functions: the one named like the environment.
func runtimeContainer(pod *corev1.Pod) string {
	for _, c := range pod.Spec.Containers {
		if c.Name != "fetcher" && c.Name != "queue-proxy" {
			return c.Name
		}
	}
	return ""
}

// lineWriter keeps lines of several pods whole.
type lineWriter struct {
	mu sync.Mutex // guards w
	w  io.Writer
}

func (l *lineWriter) write(prefix, line string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if line[len(line)-1] != '\n' {
		line += "\n"
	}
	_, err := io.WriteString(l.w, prefix+line)
	return err
}

package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/uuid"

	"hotpod.dev/local/node/logs"
	"hotpod.dev/local/node/podinit"
	"hotpod.dev/local/node/sandbox"
)

// maxLastWords is how much of a termination message is kept.
const maxLastWords = 4 << 10

// keptRuns is how many runs of a container have their logs kept: the present and the last.
const keptRuns = 2

// run is one run of a container.
type run struct {
	process process
	// number counts the runs before.
	number int32
	id     string
	began  time.Time
	log    string
}

// launch starts the container's process. A run without an error has a process;
// an error without a run means that there was nothing to start yet.
func (c *container) launch(ctx context.Context) (*run, error) {
	spec, err := c.process()
	if err != nil {
		return nil, err
	}
	box, err := c.w.ensureBox(ctx)
	if err != nil {
		return nil, err
	}
	r := c.nextRun()
	log, err := logs.Create(r.log, 0)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(c.w.paths.termination(c.spec.Name), nil, 0o666); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	c.w.mu.Lock()
	c.w.logs[c.spec.Name] = log
	c.w.mu.Unlock()
	r.process, err = box.Run(ctx, spec, log)
	if errors.Is(err, sandbox.ErrGone) {
		// The pod lost its init; there will be another.
		c.forget()
		<-box.Done()
		return nil, err
	}
	if err != nil {
		c.forget()
		return r, fmt.Errorf("failed to start container %q: %w", c.spec.Name, err)
	}
	return r, nil
}

// nextRun numbers a run: the restarts that the API knows of go on, also after
// the agent was restarted.
func (c *container) nextRun() *run {
	s := c.w.state(c.spec.Name)
	number := s.restarts
	if s.now.Terminated != nil || s.last.Terminated != nil {
		number++
	}
	dir, pod := c.w.host.dir, c.w.object()
	_ = os.Remove(logPath(dir, pod, c.spec.Name, number-keptRuns))
	_ = os.Remove(logPath(dir, pod, c.spec.Name, number-keptRuns) + ".1")
	return &run{
		number: number, id: "hotpod://" + string(uuid.NewUUID()), began: time.Now(),
		log: logPath(dir, pod, c.spec.Name, number),
	}
}

// process describes what the container shall run.
func (c *container) process() (podinit.Process, error) {
	pod, image := c.w.object(), c.w.image(c.spec.Image)
	env, err := c.w.environment(c.spec)
	if err != nil {
		return podinit.Process{}, err
	}
	mounts, err := mountsOf(pod, c.spec, env.lookup)
	if err != nil {
		return podinit.Process{}, err
	}
	command := c.spec.Command
	if len(command) == 0 {
		command = image.Command
	}
	args := make([]string, 0, len(command)+len(c.spec.Args))
	for _, word := range slices.Concat(command, c.spec.Args) {
		args = append(args, expand(word, env.lookup))
	}
	if len(args) == 0 {
		return podinit.Process{}, fmt.Errorf("no command specified for container %s, and its image has none", c.spec.Name)
	}
	dir := c.spec.WorkingDir
	if dir == "" {
		dir = image.WorkDir
	}
	p := podinit.Process{Args: args, Env: env.list(), Dir: dir, Mounts: mounts, ReadOnlyRoot: readOnlyRoot(c.spec), Plain: c.w.host.plain}
	if p.Plain {
		c.w.plainly(&p, env)
	}
	return p, nil
}

// plainly rewrites a process so that it finds its volumes without mounts.
func (w *worker) plainly(p *podinit.Process, env *environment) {
	for name, value := range volumeVariables(p.Mounts, w.paths) {
		env.set(name, value)
	}
	for _, name := range env.names {
		env.values[name] = relocate(env.values[name], p.Mounts, w.paths)
	}
	for i := range p.Args {
		p.Args[i] = relocate(p.Args[i], p.Mounts, w.paths)
	}
	p.Dir = relocate(p.Dir, p.Mounts, w.paths)
	p.Env, p.Mounts = env.list(), nil
}

func readOnlyRoot(c *corev1.Container) bool {
	s := c.SecurityContext
	return s != nil && s.ReadOnlyRootFilesystem != nil && *s.ReadOnlyRootFilesystem
}

// lastWords returns what the container left as its termination message.
func (c *container) lastWords(ctx context.Context, r run, code int) string {
	data, _ := os.ReadFile(c.w.paths.termination(c.spec.Name))
	if len(data) == 0 && code != 0 && c.spec.TerminationMessagePolicy == corev1.TerminationMessageFallbackToLogsOnError {
		var tail bytes.Buffer
		_ = logs.Read(ctx, r.log, nil, logs.Options{Tail: 80}, &tail)
		data = tail.Bytes()
	}
	return string(bytes.ToValidUTF8(data[max(0, len(data)-maxLastWords):], nil))
}

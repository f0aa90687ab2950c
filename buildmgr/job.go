package buildmgr

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/builder"
	"hotpod.dev/kube"
	"hotpod.dev/wire"
)

const (
	// attempts are how often a build is tried that fails for the platform's faults.
	attempts   = 3
	retryPause = 2 * time.Second
	// tellEvery is how often a build that runs writes its log into the status, when there is more of it.
	tellEvery = time.Second
)

// job is one package on its way from source to deployment.
type job struct {
	m    *Manager
	key  kube.Key
	uid  types.UID
	hash string
	// environment builds the package.
	environment *v1.Environment
	// forced says that a person asked to build what was built before.
	forced bool
	// after is the job before, which must have ended; nil when there was none.
	after  <-chan struct{}
	cancel context.CancelCauseFunc
	done   chan struct{}

	mu  sync.Mutex // guards log
	log *builder.Log
}

// run does the job, to a status that says how it ended unless it is cancelled.
func (j *job) run(ctx context.Context) {
	if j.after != nil {
		<-j.after
	}
	start := time.Now()
	built, err := j.work(ctx)
	switch {
	case ctx.Err() != nil || errors.Is(err, errSuperseded):
		j.m.log.Info("build cancelled", "package", j.key.String(), "cause", context.Cause(ctx))
		j.m.metrics.ended("cancelled", start)
		return
	case err != nil:
		j.m.metrics.ended("failed", start)
	default:
		j.m.metrics.ended("succeeded", start)
	}
	j.report(ctx, built, err, time.Since(start))
}

// work returns what was built, or that another package's was taken, and sees to it that the package has it.
func (j *job) work(ctx context.Context) (how string, err error) {
	p, err := j.m.records.get(ctx, j.key, j.uid)
	if err != nil {
		return "", err
	}
	if !j.still(p) {
		return "", errSuperseded
	}
	if j.environment.Spec.Builder.Image == "" {
		e := j.environment
		return "", &fault{theirs: true, reason: v1.ReasonBuilderUnavailable, message: fmt.Sprintf(
			"environment %s has no builder: set its spec.builder.image (hotpod environment update %s --builder IMAGE)", e.Name, e.Name)}
	}
	if twin := j.m.twin(ctx, p, j.hash); twin != nil && !j.forced {
		j.say("The same source was built before, for package " + twin.Name + ": its result is used.")
		return "taken from package " + twin.Name, j.m.records.deployment(ctx, j.key, j.uid, j.still, twin.Spec.Deployment)
	}
	if err := j.begin(ctx); err != nil {
		return "", err
	}
	archive, err := j.buildUntil(ctx, p)
	if err != nil {
		return "", err
	}
	return "built", j.m.records.deployment(ctx, j.key, j.uid, j.still, archive)
}

// still reports whether a package is what this job builds.
func (j *job) still(p *v1.Package) bool { return p.ContentHash(j.environment) == j.hash }

// begin says that the build runs.
func (j *job) begin(ctx context.Context) error {
	_, err := j.m.records.status(ctx, j.key, j.uid, func(s *v1.PackageStatus, generation int64) {
		s.BuildStatus, s.BuildLog = v1.BuildRunning, ""
		say(s, condition(metav1.ConditionUnknown, v1.ReasonBuilding, "the build runs"), generation)
	})
	return err
}

// buildUntil builds until that succeeds, or fails for a reason that would be the same the next time.
func (j *job) buildUntil(ctx context.Context, p *v1.Package) (v1.Archive, error) {
	ctx, cancel := context.WithCancel(ctx)
	told := make(chan struct{})
	go func() {
		defer close(told)
		j.tell(ctx)
	}()
	defer func() { // nothing may be told after the end
		cancel()
		<-told
	}()
	for attempt := 1; ; attempt++ {
		archive, err := j.build(ctx, p)
		var f *fault
		if err == nil || ctx.Err() != nil || errors.As(err, &f) && f.theirs || attempt == attempts {
			return archive, err
		}
		j.say("The build broke off and is tried again: " + err.Error())
		select {
		case <-ctx.Done():
		case <-time.After(retryPause):
		}
	}
}

// build builds the package once, in a builder pod of its environment.
func (j *job) build(ctx context.Context, p *v1.Package) (v1.Archive, error) {
	pod, release, err := j.m.builders.acquire(ctx, j.environment)
	if err != nil {
		return v1.Archive{}, err
	}
	defer release()
	agent, cmd := j.m.builders.agent, p.BuildCommandIn(j.environment)
	name := p.Name[:min(len(p.Name), 100)] + "-" + strings.ToLower(rand.Text()[:6])
	defer func() { // also for builds that were cancelled
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), greetTimeout)
		defer cancel()
		_ = agent.clean(ctx, pod, name) // or its pod is deleted one day
	}()
	if err := agent.fetch(ctx, pod, name, j.m.source(&p.Spec.Source)); err != nil {
		return v1.Archive{}, fmt.Errorf("fetch the source: %w", err)
	}
	j.say(fmt.Sprintf("Building with %q in %s (%s)", cmd, j.environment.Spec.Builder.Image, pod.name))
	building, cancel := context.WithTimeout(ctx, j.m.config.Timeout+greetTimeout)
	defer cancel()
	result, err := agent.build(building, pod, builder.Request{Source: name, Command: cmd}, j.say)
	switch {
	case err != nil && ctx.Err() == nil && building.Err() != nil:
		return v1.Archive{}, &fault{theirs: true, message: fmt.Sprintf("the build took longer than %s", j.m.config.Timeout)}
	case err != nil:
		return v1.Archive{}, err
	case result.Error != "":
		return v1.Archive{}, &fault{theirs: true, message: result.Error}
	}
	return j.collect(ctx, pod, result.Artifact)
}

// collect takes what was built out of the pod.
func (j *job) collect(ctx context.Context, pod target, artifact string) (v1.Archive, error) {
	packed, err := j.m.builders.agent.pack(ctx, pod, artifact, v1.MaxLiteral)
	if err != nil {
		return v1.Archive{}, err
	}
	j.say(fmt.Sprintf("Built %d kB, sha256 %s", (packed.Size+1023)/1024, packed.Digest))
	if len(packed.Literal) > 0 {
		return v1.Archive{Type: v1.ArchiveLiteral, Literal: packed.Literal}, nil
	}
	if j.m.deps.Archives == nil {
		return v1.Archive{}, &fault{theirs: true, message: fmt.Sprintf(
			"what was built has %d kB; a package may hold %d kB, and there is no archive store for more", packed.Size/1024, v1.MaxLiteral/1024)}
	}
	to := j.m.deps.Archives.Upload(j.key.Namespace, packed.Digest, packed.Size)
	return to.Archive, j.m.builders.agent.upload(ctx, pod, artifact, to)
}

// source returns a source archive as a builder pod can fetch it.
func (m *Manager) source(a *v1.Archive) wire.Code {
	switch {
	case len(a.Literal) > 0:
		return wire.Code{Literal: a.Literal}
	case m.deps.Archives != nil:
		return m.deps.Archives.Source(a)
	default:
		return wire.Code{URL: a.URL, Digest: a.Checksum.Sum}
	}
}

// say appends a line to the build log.
func (j *job) say(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.log.Add(line)
}

func (j *job) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.log.String()
}

// tell writes the log into the status while the build runs.
func (j *job) tell(ctx context.Context) {
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for told := ""; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		text := j.text()
		if text == told {
			continue
		}
		told = text
		_, _ = j.m.records.status(ctx, j.key, j.uid, func(s *v1.PackageStatus, _ int64) { s.BuildLog = text }) // the end is told too
	}
}

// report writes how the build ended.
func (j *job) report(ctx context.Context, how string, err error, took time.Duration) {
	result, c := v1.BuildSucceeded, condition(metav1.ConditionTrue, v1.ReasonBuilt, fmt.Sprintf("%s in %s", how, took.Round(10*time.Millisecond)))
	if err != nil {
		result, c = v1.BuildFailed, condition(metav1.ConditionFalse, v1.ReasonBuildFailed, err.Error())
		var f *fault
		if errors.As(err, &f) && f.reason != "" {
			c.Reason = f.reason
		}
		j.say("The build failed: " + err.Error())
	}
	p, werr := j.m.records.status(ctx, j.key, j.uid, func(s *v1.PackageStatus, generation int64) {
		s.BuildStatus, s.BuildLog, s.ContentHash = result, j.text(), j.hash
		say(s, c, generation)
	})
	if werr != nil {
		j.m.log.Warn("the end of a build was not recorded", "package", j.key.String(), "error", werr)
		return
	}
	j.m.ended(p)
	if err != nil {
		j.m.events.Warning(p, c.Reason, c.Message)
	}
	j.m.log.Info("build ended", "package", j.key.String(), "result", result, "how", how, "error", err, "seconds", took.Seconds())
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
)

const (
	// buildTime bounds the wait for a build, which goes on without anybody waiting.
	buildTime = 30 * time.Minute
	// buildPoll is how often a build that is waited for is looked at.
	buildPoll = 200 * time.Millisecond
)

// built waits until the package's source is built, showing the build's log, and returns the package. There is nothing to
// wait for without a source, nor with noWait.
func (a *app) built(ctx context.Context, pkg *v1.Package, noWait bool) (*v1.Package, error) {
	if noWait || pkg.BuildEnded() {
		return pkg, nil
	}
	ctx, cancel := context.WithTimeout(ctx, buildTime)
	defer cancel()
	f := &buildFollower{app: a, start: a.now()}
	f.say("waiting for the build of package " + pkg.Name)
	for {
		p, err := a.packages().get(ctx, pkg.Name)
		if err == nil && p.UID != pkg.UID {
			err = fmt.Errorf("package %s was deleted", pkg.Name)
		}
		switch {
		case ctx.Err() != nil:
			return nil, buildGoesOn(ctx, pkg.Name)
		case err != nil:
			return nil, err
		}
		ended := p.BuildEnded()
		f.show(p, ended)
		if ended {
			return p, buildError(p)
		}
		select {
		case <-ctx.Done():
			return nil, buildGoesOn(ctx, pkg.Name)
		case <-time.After(buildPoll):
		}
	}
}

func buildGoesOn(ctx context.Context, name string) error {
	code := ExitError
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		code = ExitTimeout
	}
	return &Error{Err: fmt.Errorf("the build of package %s goes on", name), Code: code, Try: []string{"hotpod package info " + name}}
}

// buildError says that the build failed, nil when it did not.
func buildError(p *v1.Package) error {
	why := p.BuildFailure()
	if why == "" {
		return nil
	}
	return hint(fmt.Errorf("the build of package %s failed: %s", p.Name, why), "hotpod package info "+p.Name, "hotpod package rebuild "+p.Name)
}

// buildFollower shows a log as it grows.
type buildFollower struct {
	app   *app
	start time.Time
	// shown is what was shown of the log; waits the last reason shown for a build that does not begin.
	shown, waits string
}

// show prints the lines that are new; a last one that may still grow waits for its end.
func (f *buildFollower) show(p *v1.Package, ended bool) {
	log := p.Status.BuildLog
	if p.Status.BuildStatus == v1.BuildPending || p.Status.BuildStatus == "" {
		f.pending(p)
		return
	}
	if !ended && p.Status.BuildStatus != v1.BuildRunning {
		return // it speaks of the build before
	}
	fresh, grown := strings.CutPrefix(log, f.shown)
	if !grown { // the middle was left out, or another attempt began
		fresh = log[overlap(f.shown, log):]
	}
	for line := range strings.Lines(fresh) {
		f.say(strings.TrimRight(line, "\n"))
	}
	f.shown = log
}

// pending says what a build waits for.
func (f *buildFollower) pending(p *v1.Package) {
	for _, c := range p.Status.Conditions {
		if c.Type == v1.ConditionBuildSucceeded && c.Reason == v1.ReasonEnvironmentNotFound && c.Message != f.waits {
			f.waits = c.Message
			f.say(c.Message)
		}
	}
}

// overlap is where what follows the last line shown begins in a log, 0 when that line is not there.
func overlap(shown, log string) int {
	shown = strings.TrimRight(shown, "\n")
	last := shown[strings.LastIndexByte(shown, '\n')+1:] + "\n"
	if i := strings.LastIndex(log, last); i >= 0 && len(last) > 1 {
		return i + len(last)
	}
	return 0
}

func (f *buildFollower) say(line string) {
	f.app.progress("  %5.1fs  %s", f.app.now().Sub(f.start).Seconds(), line)
}

// askForBuild has a package built again, or for the first time though it has a deployment.
func (a *app) askForBuild(ctx context.Context, name string) (*v1.Package, error) {
	for {
		p, err := a.packages().get(ctx, name)
		if err != nil {
			return nil, err
		}
		if p.Spec.Source.Empty() {
			return nil, hint(fmt.Errorf("package %s has no source to build", name), "hotpod package update "+name+" --sourcearchive …")
		}
		p.Status.BuildStatus, p.Status.BuildLog, p.Status.LastUpdateTimestamp = v1.BuildPending, "", metav1.Now()
		out, err := a.clients.Packages(a.namespace).UpdateStatus(ctx, p, metav1.UpdateOptions{})
		if !apierrors.IsConflict(err) {
			return out, err
		}
	}
}

// changedSource sees to it that a package that was changed gets built, also when its deployment was not built from a
// source before, and waits for it.
func (a *app) changedSource(ctx context.Context, pkg *v1.Package, code *code, noWait bool) (*v1.Package, error) {
	if code.source != nil && code.deploy == nil && pkg.Status.BuildStatus == v1.BuildNone {
		asked, err := a.askForBuild(ctx, pkg.Name)
		if err != nil {
			return nil, fmt.Errorf("ask for a build: %w", err)
		}
		pkg = asked
	}
	return a.built(ctx, pkg, noWait)
}

func (a *app) packageRebuild() *cobra.Command {
	var (
		name   string
		noWait bool
	)
	n := a.packages()
	cmd := &cobra.Command{
		Use: "rebuild NAME", Short: "Build a package's source again, and show the build's log", ValidArgsFunction: n.completeNames,
		Long: "Build a package's source again, also when it was built before. Functions go on with the code that they have until the\n" +
			"build has succeeded.",
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom("package", args, name)
			if err != nil {
				return err
			}
			p, err := a.askForBuild(cmd.Context(), name)
			if err != nil {
				return err
			}
			if noWait {
				_, err = fmt.Fprintf(a.Out, "package %q is to be built\n", name)
				return err
			}
			if _, err := a.built(cmd.Context(), p, false); err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.Out, "package %q built\n", name)
			return err
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "name")
	cmd.Flags().BoolVar(&noWait, "no-wait", false, "do not wait until it is built")
	return cmd
}

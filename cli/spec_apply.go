package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"hotpod.dev/spec"
)

// specParallel bounds the requests that are under way at a time.
const specParallel = 32

func (a *app) specApply() *cobra.Command {
	var f specFlags
	cmd := &cobra.Command{
		Use: "apply", Short: "Create, update and, with --delete, delete objects so that the cluster is as the specs say", Args: noArgs,
		Example: "  hotpod spec apply --wait\n  hotpod spec apply --delete --dry-run\n  hotpod spec apply --watch",
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch f.validation {
			case "", "true", "on":
			case "false", "off":
				f.skipValidate = true
			default:
				return usagef("--validation %q: it is true or false", f.validation)
			}
			if f.watch && !f.dryRun {
				return a.watchSpecs(cmd.Context(), &f)
			}
			return a.applySpecs(cmd.Context(), &f)
		},
	}
	f.add(cmd)
	f.forcing(cmd)
	fs := cmd.Flags()
	fs.BoolVar(&f.prune, "delete", false, "delete what belongs to the application and is no longer declared")
	fs.BoolVar(&f.wait, "wait", false, "wait until packages are built, functions can be called and routes are served")
	fs.DurationVar(&f.timeout, "timeout", 5*time.Minute, "time to wait for that")
	fs.BoolVar(&f.watch, "watch", false, "go on, and apply again whenever files change")
	fs.BoolVar(&f.dryRun, "dry-run", false, "only say what would be done")
	fs.BoolVar(&f.commitLabel, "commitlabel", false, "label every object with the git commit of the specs")
	fs.BoolVar(&f.conflicts, "allowconflicts", false, "take over objects that belong to nobody or to another application")
	fs.StringVar(&f.validation, "validation", "", "false: do not check the specs first")
	return cmd
}

// applySpecs makes the cluster as the specs say, once.
func (a *app) applySpecs(ctx context.Context, f *specFlags) error {
	start := a.now()
	kinds, err := a.specKinds()
	if err != nil {
		return err
	}
	app, err := a.readSpecs(ctx, f, a.namespace)
	if err != nil {
		return err
	}
	live, err := a.liveObjects(ctx, kinds, namespacesOf(app, a.namespace))
	if err != nil {
		return err
	}
	a.dryRun = f.dryRun
	if err := a.fillArchives(ctx, app); err != nil {
		return err
	}
	plan := spec.NewPlan(app, live, f.prune)
	if len(plan.Conflicts) > 0 && !f.conflicts {
		return hint(errors.New(strings.Join(plan.Conflicts, "\n")), "hotpod spec apply --allowconflicts   # takes them over")
	}
	if !f.dryRun {
		if err := runPlan(ctx, kinds, plan); err != nil {
			return err
		}
	}
	a.printPlan(plan, f.dryRun)
	a.verbosef("%d objects in %s, %d requests to the API server", len(plan.Actions), a.now().Sub(start).Round(time.Millisecond), a.requests.Load())
	if f.wait && !f.dryRun {
		return a.waitForApp(ctx, kinds, app, f.timeout)
	}
	return nil
}

// runPlan carries a plan out, kind by kind: what is named comes before what names it.
func runPlan(ctx context.Context, kinds map[string]specKind, plan spec.Plan) error {
	for _, stage := range stages(plan.Actions) {
		var g errgroup.Group
		g.SetLimit(specParallel)
		errs := make([]error, len(stage))
		for i, action := range stage {
			g.Go(func() error {
				errs[i] = act(ctx, kinds[action.Key.Kind], action)
				return nil
			})
		}
		_ = g.Wait() // errors are in errs: all objects are tried, and all that failed are told
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
	return nil
}

// stages cuts a plan where the kind changes, or the step from applying to deleting.
func stages(actions []spec.Action) [][]spec.Action {
	var out [][]spec.Action
	for i, action := range actions {
		if i == 0 || action.Key.Kind != actions[i-1].Key.Kind || (action.Step == spec.Delete) != (actions[i-1].Step == spec.Delete) {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], action)
	}
	return out
}

func act(ctx context.Context, kind specKind, action spec.Action) error {
	switch action.Step {
	case spec.Create, spec.Update:
		if err := kind.apply(ctx, application(action.Item)); err != nil {
			return fmt.Errorf("%s: apply %s %s: %s", action.Item.At(), action.Key.Kind, action.Key.Name, diagnose(err))
		}
	case spec.Delete:
		if err := kind.delete(ctx, action.Key.Namespace, action.Key.Name, action.Live.GetUID()); err != nil {
			return fmt.Errorf("delete %s %s: %w", action.Key.Kind, action.Key.Name, err)
		}
	case spec.Keep:
	}
	return nil
}

// printPlan says what was done, as Fission does: a line for each kind and step.
func (a *app) printPlan(plan spec.Plan, dry bool) {
	type line struct {
		kind string
		step spec.Step
	}
	names := map[line][]string{}
	var order []line
	for _, action := range plan.Actions {
		l := line{action.Key.Kind, action.Step}
		if action.Step == spec.Keep {
			continue
		}
		if names[l] == nil {
			order = append(order, l)
		}
		names[l] = append(names[l], action.Key.Name)
	}
	for _, l := range order {
		verb := string(l.step) + "d"
		if dry {
			verb = "would be " + verb
		}
		fmt.Fprintf(a.Out, "%d %s%s %s: %s\n", len(names[l]), nounOf(l.kind), plural(len(names[l])), verb, shortened(names[l]))
	}
	if len(order) == 0 {
		fmt.Fprintln(a.Out, "everything is up to date")
	}
	if dry {
		fmt.Fprintln(a.Out, "(dry run: nothing was changed)")
	}
}

// nounOf is what the commands call a kind.
func nounOf(kind string) string {
	if kind == spec.KindHTTPTrigger {
		return "route"
	}
	return strings.ToLower(kind)
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// shortened lists names; of many, how many more there are.
func shortened(names []string) string {
	const most = 20
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
}

func (a *app) specDestroy() *cobra.Command {
	var (
		f   specFlags
		all bool
	)
	cmd := &cobra.Command{
		Use: "destroy", Short: "Delete all objects of the application", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			kinds, err := a.specKinds()
			if err != nil {
				return err
			}
			f.skipValidate = true
			app, err := a.readSpecs(cmd.Context(), &f, a.namespace)
			if err != nil {
				return err
			}
			namespaces := namespacesOf(app, a.namespace)
			if all {
				namespaces = nil
			}
			live, err := a.liveObjects(cmd.Context(), kinds, namespaces)
			if err != nil {
				return err
			}
			live = slices.DeleteFunc(live, func(o spec.Object) bool { return len(namespaces) > 0 && !slices.Contains(namespaces, o.GetNamespace()) })
			plan := spec.NewPlan(&spec.App{Config: app.Config}, live, true)
			if err := runPlan(cmd.Context(), kinds, plan); err != nil {
				return err
			}
			a.printPlan(plan, false)
			return nil
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&all, "forcedelete", false, "in all namespaces, not only in those that the specs name")
	cmd.Flags().BoolVar(&all, "force", false, "same as --forcedelete")
	return cmd
}

// waitForApp waits until all objects of an app can be used, and reports what cannot.
func (a *app) waitForApp(ctx context.Context, kinds map[string]specKind, app *spec.App, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for pause := pollEvery; ; pause = min(2*pause, time.Second) {
		live, err := a.liveObjects(ctx, kinds, namespacesOf(app, a.namespace))
		if err != nil {
			return err
		}
		waiting, failed := appState(app, live)
		if failed != nil || len(waiting) == 0 {
			return failed
		}
		select {
		case <-ctx.Done():
			return &Error{Err: fmt.Errorf("not ready within %s: %s", timeout, shortened(waiting)), Code: ExitTimeout, Try: []string{"hotpod spec list"}}
		case <-time.After(pause):
		}
	}
}

// appState returns what is not ready yet, and an error for what will not be.
func appState(app *spec.App, live []spec.Object) (waiting []string, failed error) {
	declared := map[spec.Key]bool{}
	for _, item := range app.Items {
		declared[item.Key()] = true
	}
	var faults []error
	for _, o := range live {
		key, state := observed(o)
		if !declared[key] || state.ready {
			continue
		}
		if state.fault != "" {
			faults = append(faults, fmt.Errorf("%s %s: %s", key.Kind, key.Name, state.fault))
		}
		waiting = append(waiting, key.Kind+" "+key.Name)
	}
	slices.SortFunc(faults, func(x, y error) int { return cmp.Compare(x.Error(), y.Error()) })
	return waiting, errors.Join(faults...)
}

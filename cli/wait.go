package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
)

// conditionsOf returns the conditions of one of our kinds, and the generation that they speak of.
func conditionsOf(o any) (conditions []metav1.Condition, generation int64) {
	switch o := o.(type) {
	case *v1.Environment:
		return o.Status.Conditions, o.Status.ObservedGeneration
	case *v1.Package:
		return o.Status.Conditions, o.Status.ObservedGeneration
	case *v1.Function:
		return o.Status.Conditions, o.Status.ObservedGeneration
	case *v1.HTTPTrigger:
		return o.Status.Conditions, o.Status.ObservedGeneration
	case *v1.TimeTrigger:
		return o.Status.Conditions, o.Status.ObservedGeneration
	case *v1.KubernetesWatchTrigger:
		return o.Status.Conditions, o.Status.ObservedGeneration
	default:
		return nil, 0
	}
}

// waitFor is what a user waits for: a condition in a state.
type waitFor struct {
	kind   string
	status metav1.ConditionStatus
}

// parseWaitFor reads "condition=Ready" and "condition=Ready=False".
func parseWaitFor(s string) (waitFor, error) {
	what, rest, _ := strings.Cut(s, "=")
	kind, status, given := strings.Cut(rest, "=")
	if what != "condition" || kind == "" {
		return waitFor{}, usagef("--for %q: write it as condition=Ready or condition=Ready=False", s)
	}
	if !given {
		return waitFor{kind, metav1.ConditionTrue}, nil
	}
	for _, known := range []metav1.ConditionStatus{metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown} {
		if strings.EqualFold(status, string(known)) {
			return waitFor{kind, known}, nil
		}
	}
	return waitFor{}, usagef("--for %q: a condition is True, False or Unknown", s)
}

// waitCommand returns "wait NAME --for condition=…".
func (n noun[T, L]) waitCommand() *cobra.Command {
	var (
		name, what string
		timeout    time.Duration
	)
	cmd := &cobra.Command{
		Use: "wait NAME", Short: "Wait until a condition holds", ValidArgsFunction: n.completeNames,
		Example: "  " + n.command + " wait hello --for condition=Ready --timeout 30s",
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom(n.name, args, name)
			if err != nil {
				return err
			}
			f, err := parseWaitFor(what)
			if err != nil {
				return err
			}
			return n.waitFor(cmd.Context(), name, f, timeout)
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "name")
	cmd.Flags().StringVar(&what, "for", "condition="+v1.ConditionReady, "condition to wait for: condition=Ready, condition=Ready=False")
	cmd.Flags().DurationVar(&timeout, "timeout", time.Minute, "time to wait; then the exit code is 4")
	return cmd
}

func (n noun[T, L]) waitFor(ctx context.Context, name string, f waitFor, timeout time.Duration) error {
	last := "nobody has looked at it yet"
	err := n.wait(ctx, name, fmt.Sprintf("%s=%s", f.kind, f.status), timeout, func(o T) (bool, error) {
		conditions, generation := conditionsOf(o)
		c := meta.FindStatusCondition(conditions, f.kind)
		if c == nil || generation < o.GetGeneration() {
			return false, nil
		}
		last = string(c.Status) + " (" + c.Reason + ": " + headline(c.Message) + ")"
		return c.Status == f.status, nil
	})
	if exitCode(err) == ExitTimeout {
		return &Error{Err: fmt.Errorf("%w: it is %s", err, last), Code: ExitTimeout, Try: []string{n.command + " get " + name + " -o yaml"}}
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(n.app.Out, "%s %q: condition met\n", n.name, name)
	return err
}

// wait polls one object until done says so; what it waits for is told when it takes a while.
func (n noun[T, L]) wait(ctx context.Context, name, what string, timeout time.Duration, done func(T) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	told := false
	for start := n.app.now(); ; {
		obj, err := n.get(ctx, name)
		if err != nil {
			return err
		}
		if ok, err := done(obj); ok || err != nil {
			return err
		}
		if !told && n.app.now().Sub(start) > time.Second {
			n.app.progress("waiting for %s %s to be %s", n.name, name, what)
			told = true
		}
		select {
		case <-time.After(pollEvery):
		case <-ctx.Done():
			return &Error{
				Err:  fmt.Errorf("%s %s was not %s within %s", n.name, name, what, timeout),
				Code: ExitTimeout, Try: []string{n.command + " get " + name + " -o yaml"},
			}
		}
	}
}

// pollEvery is how often a waiting command looks again.
const pollEvery = 50 * time.Millisecond

package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	v1 "hotpod.dev/api/v1"
)

// trigger is what describe tells of a trigger of any kind.
type trigger struct {
	conditions []metav1.Condition
	deliveries v1.DeliveryStatus
	// current is false while the conditions speak of an older generation.
	current bool
	facts   [][2]string
}

// createTrigger creates a trigger of a function that exists.
func createTrigger[T object, L runtime.Object](ctx context.Context, n noun[T, L], function string, t T) error {
	c, err := n.in()
	if err != nil {
		return err
	}
	if _, err := n.app.functions().get(ctx, function); err != nil {
		return err
	}
	t.SetNamespace(n.app.namespace)
	if _, err := c.Create(ctx, t, metav1.CreateOptions{}); err != nil {
		return created(err, n.name, t.GetName(), n.command+" delete "+t.GetName())
	}
	_, err = fmt.Fprintf(n.app.Out, "%s %q created\n", n.name, t.GetName())
	return err
}

// describeTrigger returns "describe NAME" of a kind of triggers.
func describeTrigger[T object, L runtime.Object](n noun[T, L], of func(T) trigger) *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use: "describe NAME", Short: "Say whether a trigger works, and what became of its last calls", ValidArgsFunction: n.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom(n.name, args, name)
			if err != nil {
				return err
			}
			t, err := n.get(cmd.Context(), name)
			if err != nil {
				return err
			}
			describe := of(t)
			describe.facts = append([][2]string{{"Name", t.GetName()}, {"Namespace", t.GetNamespace()}}, describe.facts...)
			describe.write(n.app.Out)
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "name")
	return cmd
}

// verdict says in a line whether the trigger works.
func (t *trigger) verdict() string {
	ready := meta.FindStatusCondition(t.conditions, v1.ConditionReady)
	delivering := meta.FindStatusCondition(t.conditions, v1.ConditionDelivering)
	switch {
	case ready == nil || !t.current:
		return "UNKNOWN  the platform has not yet looked at this generation"
	case ready.Status != metav1.ConditionTrue:
		return "NOT WORKING  " + ready.Reason + ": " + headline(ready.Message)
	case delivering != nil && delivering.Status == metav1.ConditionFalse:
		return "FAILING  " + delivering.Reason + ": " + headline(delivering.Message)
	default:
		return "WORKING  " + headline(ready.Message)
	}
}

// write writes the verdict, then the facts.
func (t *trigger) write(w io.Writer) {
	fmt.Fprintln(w, t.verdict()+"\n")
	for _, fact := range t.facts {
		fmt.Fprintf(w, "%-14s%s\n", fact[0]+":", fact[1])
	}
	writeConditions(w, t.conditions)
	d := t.deliveries
	fmt.Fprintf(w, "Deliveries: %d delivered, %d given up, %d pending\n", d.Delivered, d.Failed, d.Pending)
	for i := range d.Recent {
		r := &d.Recent[i]
		outcome := fmt.Sprintf("HTTP %d in %d ms", r.Status, r.Milliseconds)
		if r.Error != "" {
			outcome = r.Error
		}
		if r.Attempts > 1 {
			outcome += fmt.Sprintf(" (attempt %d)", r.Attempts)
		}
		fmt.Fprintf(w, "  %s  %-40s %s  id %s\n", r.Time.UTC().Format(time.RFC3339), r.What, outcome, r.ID)
	}
}

package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	v1 "hotpod.dev/api/v1"
)

func (a *app) environmentDescribe() *cobra.Command {
	var name string
	n := a.environments()
	cmd := &cobra.Command{
		Use: "describe NAME", Short: "Say how many warm pods an environment has and wants, and why", ValidArgsFunction: n.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom("environment", args, name)
			if err != nil {
				return err
			}
			e, err := n.get(cmd.Context(), name)
			if err != nil {
				return err
			}
			describeEnvironment(a.Out, e, a.now())
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "name")
	return cmd
}

func describeEnvironment(w io.Writer, e *v1.Environment, now time.Time) {
	line := "UNKNOWN  the platform has not yet looked at this generation"
	if c := meta.FindStatusCondition(e.Status.Conditions, v1.ConditionReady); c != nil && e.Status.ObservedGeneration >= e.Generation {
		line = map[metav1.ConditionStatus]string{metav1.ConditionTrue: "READY", metav1.ConditionFalse: "NOT READY"}[c.Status]
		if line == "" {
			line = "UNKNOWN"
		}
		line += "  " + c.Reason + ": " + headline(c.Message)
	}
	fmt.Fprintf(w, "%s\n\nName:         %s\nNamespace:    %s\nImage:        %s\n", line, e.Name, e.Namespace, e.Spec.Runtime.Image)
	fmt.Fprintln(w, "Pool:         "+strings.Join(poolLines(e, now), "\n              "))
	writeConditions(w, e.Status.Conditions)
}

func writeConditions(w io.Writer, conditions []metav1.Condition) {
	fmt.Fprintln(w, "Conditions:")
	for _, c := range conditions {
		fmt.Fprintf(w, "  %-14s %-8s %s  %s\n", c.Type, c.Status, c.Reason, headline(c.Message))
	}
}

// poolLines says in lines how many warm pods there are and shall be, and why.
func poolLines(e *v1.Environment, now time.Time) []string {
	size := fmt.Sprintf("poolsize %d", e.PoolSize())
	s := e.Status.Pool
	if s == nil {
		return []string{size}
	}
	pods := fmt.Sprintf("%d warm, %d starting, %d with a function", s.Warm, s.Starting, s.Busy)
	if s.Unschedulable > 0 {
		pods += fmt.Sprintf("; %d find no node", s.Unschedulable)
	}
	bounds := fmt.Sprintf("%s, at most %d warm", size, s.Maximum)
	if settings, _ := e.PoolSettings(); settings.IdleTimeout > 0 {
		bounds += fmt.Sprintf(", to zero after %s idle", settings.IdleTimeout)
	}
	if s.LastUsed != nil {
		bounds += fmt.Sprintf("; last used %s ago", duration.HumanDuration(now.Sub(s.LastUsed.Time)))
	}
	return []string{
		pods,
		fmt.Sprintf("%d wanted because of %s", s.Wanted, dash(s.Reason)),
		fmt.Sprintf("%s claims a second in the busiest moments of the last minutes; a claimed pod is missing for %s", s.ClaimsPerSecond, s.LeadTime),
		bounds,
	}
}

// environmentImpact lists what a change of an environment touches.
func (a *app) environmentImpact() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use: "impact NAME", Short: "List the functions and packages that use an environment", ValidArgsFunction: a.environments().completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom("environment", args, name)
			if err != nil {
				return err
			}
			env, err := a.environments().get(cmd.Context(), name)
			if err != nil {
				return err
			}
			functions, err := a.clients.Functions(env.Namespace).List(cmd.Context(), metav1.ListOptions{})
			if err != nil {
				return fmt.Errorf("list functions: %w", err)
			}
			packages, err := a.clients.Packages(env.Namespace).List(cmd.Context(), metav1.ListOptions{})
			if err != nil {
				return fmt.Errorf("list packages: %w", err)
			}
			for i := range functions.Items {
				if functions.Items[i].Spec.Environment.Name == env.Name {
					fmt.Fprintln(a.Out, "function "+functions.Items[i].Name)
				}
			}
			for i := range packages.Items {
				if packages.Items[i].Spec.Environment.Name == env.Name {
					fmt.Fprintln(a.Out, "package "+packages.Items[i].Name)
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "name")
	return cmd
}

package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
)

func (a *app) timers() noun[*v1.TimeTrigger, *v1.TimeTriggerList] {
	return noun[*v1.TimeTrigger, *v1.TimeTriggerList]{
		app: a, name: "time trigger", command: "hotpod timer",
		client: func(c *kube.Clients, ns string) client[*v1.TimeTrigger, *v1.TimeTriggerList] {
			return c.TimeTriggers(ns)
		},
		items: func(l *v1.TimeTriggerList) []*v1.TimeTrigger { return pointers(l.Items) },
		columns: []column[*v1.TimeTrigger]{
			{"NAME", false, func(t *v1.TimeTrigger) string { return t.Name }},
			{"CRON", false, func(t *v1.TimeTrigger) string { return t.Spec.Cron }},
			{"ZONE", true, func(t *v1.TimeTrigger) string { return dash(t.Spec.TimeZone) }},
			{"FUNCTION", false, func(t *v1.TimeTrigger) string { return t.Spec.FunctionReference.Name }},
			{"METHOD", true, timerMethod},
			{"SUBPATH", true, func(t *v1.TimeTrigger) string { return dash(t.Spec.Subpath) }},
			{"NEXT", false, func(t *v1.TimeTrigger) string { return moment(t.Status.NextScheduleTime) }},
			{"DELIVERED", true, func(t *v1.TimeTrigger) string { return fmt.Sprint(t.Status.Deliveries.Delivered) }},
			{"FAILED", true, func(t *v1.TimeTrigger) string { return fmt.Sprint(t.Status.Deliveries.Failed) }},
			{"READY", false, func(t *v1.TimeTrigger) string { return ready(t.Status.Conditions) }},
			{"NAMESPACE", false, func(t *v1.TimeTrigger) string { return t.Namespace }},
			{"AGE", false, func(t *v1.TimeTrigger) string { return age(t.CreationTimestamp, a.now()) }},
		},
	}
}

func timerMethod(t *v1.TimeTrigger) string {
	if t.Spec.Method == "" {
		return "POST"
	}
	return t.Spec.Method
}

func moment(t *metav1.Time) string {
	if t == nil {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

func (a *app) timerCommand() *cobra.Command {
	n := a.timers()
	return group("timetrigger", "Create and manage time triggers: cron expressions that call functions", []string{"tt", "timer"},
		a.timerCreate(), a.timerUpdate(), n.getCommand(), n.listCommand(), a.timerDescribe(), a.timerSchedule(), n.waitCommand(),
		n.deleteCommand(func(context.Context, *v1.TimeTrigger, bool) error { return nil }))
}

// timerFlags are those of create and update, named as in Fission.
type timerFlags struct {
	name, cron, zone, missed, function, method, subpath string
	declare                                             declareFlags
}

func (t *timerFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&t.name, "name", "", "name; made up when missing")
	f.StringVar(&t.cron, "cron", "", `when: five or six fields, "0 30 8 * * MON-FRI", or @hourly, @daily, @every 90s`)
	f.StringVar(&t.zone, "timezone", "", "time zone of --cron, such as Europe/Zurich (default UTC)")
	f.StringVar(&t.missed, "missed", "", "what becomes of runs that were missed: skip, once or all (default once)")
	f.StringVar(&t.function, "function", "", "function to call")
	f.StringVar(&t.method, "method", "", "method of the call (default POST)")
	f.StringVar(&t.subpath, "subpath", "", "path below the function that is called")
}

// apply sets in t what the user gave, and says what is wrong with it.
func (t *timerFlags) apply(given func(string) bool, out *v1.TimeTrigger) error {
	s := &out.Spec
	for flag, field := range map[string]struct {
		to   *string
		from string
	}{
		"cron": {&s.Cron, t.cron}, "timezone": {&s.TimeZone, t.zone}, "missed": {&s.MissedRuns, t.missed},
		"method": {&s.Method, t.method}, "subpath": {&s.Subpath, t.subpath},
	} {
		if given(flag) {
			*field.to = field.from
		}
	}
	if given("function") {
		s.FunctionReference = v1.FunctionReference{Type: v1.ReferenceName, Name: t.function}
	}
	if err := out.Validate(); err != nil {
		return usagef("%v", err)
	}
	return nil
}

func (a *app) timerCreate() *cobra.Command {
	var f timerFlags
	cmd := &cobra.Command{
		Use: "create NAME --cron EXPRESSION --function FUNCTION", Aliases: []string{"add"}, Short: "Create a time trigger",
		Example: "  hotpod timer create morning --cron '0 8 * * MON-FRI' --timezone Europe/Zurich --function report",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && f.name == "" {
				f.name = "timer-" + randomSuffix()
			}
			name, err := nameFrom("time trigger", args, f.name)
			if err != nil {
				return err
			}
			if f.cron == "" || f.function == "" {
				return usagef("a time trigger says when and what: --cron EXPRESSION --function FUNCTION")
			}
			t := &v1.TimeTrigger{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: a.namespace}}
			if err := f.apply(func(string) bool { return true }, t); err != nil {
				return err
			}
			if f.declare.on() {
				return a.declare(f.declare, "timetrigger-"+name+".yaml", t)
			}
			return createTrigger(cmd.Context(), a.timers(), f.function, t)
		},
	}
	f.add(cmd)
	f.declare.add(cmd.Flags())
	return cmd
}

func (a *app) timerUpdate() *cobra.Command {
	var f timerFlags
	n := a.timers()
	cmd := &cobra.Command{
		Use: "update NAME", Short: "Change a time trigger", ValidArgsFunction: n.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom("time trigger", args, f.name)
			if err != nil {
				return err
			}
			return n.update(cmd.Context(), name, func(t *v1.TimeTrigger) error { return f.apply(cmd.Flags().Changed, t) })
		},
	}
	f.add(cmd)
	return cmd
}

// timerSchedule is "showschedule": when a trigger that exists, or a cron expression, comes next.
func (a *app) timerSchedule() *cobra.Command {
	var f timerFlags
	var round int
	n := a.timers()
	cmd := &cobra.Command{
		Use: "showschedule [NAME]", Aliases: []string{"show"}, Short: "Show when a trigger or --cron comes next", ValidArgsFunction: n.completeNames,
		Example: "  hotpod timer showschedule --cron '0 8 * * MON-FRI' --timezone Europe/Zurich --round 5",
		RunE: func(cmd *cobra.Command, args []string) error {
			if round < 1 || round > 1000 {
				return usagef("--round %d: it is between 1 and 1000", round)
			}
			t := &v1.TimeTrigger{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(a.now())}}
			t.Spec.Cron, t.Spec.TimeZone = f.cron, f.zone
			if f.cron == "" {
				name, err := nameFrom("time trigger", args, f.name)
				if err != nil {
					return err
				}
				if t, err = n.get(cmd.Context(), name); err != nil {
					return err
				}
			}
			return a.showSchedule(t, round)
		},
	}
	cmd.Flags().StringVar(&f.name, "name", "", "name of a time trigger")
	cmd.Flags().StringVar(&f.cron, "cron", "", "cron expression, in place of a trigger")
	cmd.Flags().StringVar(&f.zone, "timezone", "", "time zone of --cron (default UTC)")
	cmd.Flags().IntVar(&round, "round", 1, "how many times to show")
	return cmd
}

func (a *app) showSchedule(t *v1.TimeTrigger, round int) error {
	schedule, err := t.Schedule()
	if err != nil {
		return usagef("cron %v", err)
	}
	now := a.now()
	fmt.Fprintf(a.Out, "now       %s\n", now.UTC().Format(time.RFC3339))
	at := now
	for range round {
		if at = schedule.Next(t.CreationTimestamp.Time, at); at.IsZero() {
			break
		}
		fmt.Fprintf(a.Out, "then      %s  (in %s)\n", at.Format(time.RFC3339), at.Sub(now).Round(time.Second))
	}
	return nil
}

func (a *app) timerDescribe() *cobra.Command {
	n := a.timers()
	return describeTrigger(n, func(t *v1.TimeTrigger) trigger {
		return trigger{
			conditions: t.Status.Conditions, deliveries: t.Status.Deliveries, current: t.Status.ObservedGeneration == t.Generation,
			facts: [][2]string{
				{"Cron", t.Spec.Cron},
				{"Time zone", dash(t.Spec.TimeZone)},
				{"Missed runs", t.Spec.Missed()},
				{"Calls", timerMethod(t) + " " + t.Spec.FunctionReference.Name + t.Spec.Subpath},
				{"Done up to", moment(t.Status.LastScheduleTime)},
				{"Next run", moment(t.Status.NextScheduleTime)},
				{"Skipped", fmt.Sprint(t.Status.Skipped)},
			},
		}
	})
}

package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
	"hotpod.dev/kubewatcher/filter"
)

func (a *app) watches() noun[*v1.KubernetesWatchTrigger, *v1.KubernetesWatchTriggerList] {
	return noun[*v1.KubernetesWatchTrigger, *v1.KubernetesWatchTriggerList]{
		app: a, name: "watch trigger", command: "hotpod watch",
		client: func(c *kube.Clients, ns string) client[*v1.KubernetesWatchTrigger, *v1.KubernetesWatchTriggerList] {
			return c.KubernetesWatchTriggers(ns)
		},
		items: func(l *v1.KubernetesWatchTriggerList) []*v1.KubernetesWatchTrigger { return pointers(l.Items) },
		columns: []column[*v1.KubernetesWatchTrigger]{
			{"NAME", false, func(t *v1.KubernetesWatchTrigger) string { return t.Name }},
			{"TYPE", false, func(t *v1.KubernetesWatchTrigger) string { return t.Spec.Type }},
			{"WATCHED", false, watchedNamespace},
			{"LABELS", false, func(t *v1.KubernetesWatchTrigger) string { return dash(t.Selector()) }},
			{"FIELDS", true, func(t *v1.KubernetesWatchTrigger) string { return dash(t.Spec.FieldSelector) }},
			{"EVENTS", true, func(t *v1.KubernetesWatchTrigger) string { return dash(strings.Join(t.Spec.Events, ",")) }},
			{"FILTER", true, func(t *v1.KubernetesWatchTrigger) string { return dash(t.Spec.Filter) }},
			{"FUNCTION", false, func(t *v1.KubernetesWatchTrigger) string { return t.Spec.FunctionReference.Name }},
			{"DELIVERED", true, func(t *v1.KubernetesWatchTrigger) string { return fmt.Sprint(t.Status.Deliveries.Delivered) }},
			{"FAILED", true, func(t *v1.KubernetesWatchTrigger) string { return fmt.Sprint(t.Status.Deliveries.Failed) }},
			{"READY", false, func(t *v1.KubernetesWatchTrigger) string { return ready(t.Status.Conditions) }},
			{"NAMESPACE", false, func(t *v1.KubernetesWatchTrigger) string { return t.Namespace }},
			{"AGE", false, func(t *v1.KubernetesWatchTrigger) string { return age(t.CreationTimestamp, a.now()) }},
		},
	}
}

func watchedNamespace(t *v1.KubernetesWatchTrigger) string {
	if ns := t.Watched(); ns != "" {
		return ns
	}
	return v1.AllNamespaces
}

func (a *app) watchCommand() *cobra.Command {
	n := a.watches()
	return group("kubewatch", "Create and manage watch triggers: changes of objects that call functions", []string{"watch", "w"},
		a.watchCreate(), a.watchUpdate(), n.getCommand(), n.listCommand(), a.watchDescribe(), n.waitCommand(),
		n.deleteCommand(func(context.Context, *v1.KubernetesWatchTrigger, bool) error { return nil }))
}

// watchFlags are those of create and update, named as in Fission where it has them.
type watchFlags struct {
	name, function, kind, apiVersion, namespace, labels, fields, filter string
	events                                                              []string
	skip                                                                bool
	declare                                                             declareFlags
}

func (w *watchFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&w.name, "name", "", "name; made up when missing")
	f.StringVar(&w.function, "function", "", "function to call")
	f.StringVar(&w.kind, "type", "pod", "type of the objects: pod, Deployment, deployments.apps, Widget.example.com")
	f.StringVar(&w.apiVersion, "api-version", "", "version of the type, such as apps/v1 (default: the one that the cluster prefers)")
	f.StringVar(&w.namespace, "ns", "", `namespace of the objects, "*" for all (default: the trigger's own)`)
	f.StringVar(&w.labels, "labels", "", "labels that the objects have: key=value,…")
	f.StringVar(&w.fields, "fields", "", "fields of the objects, as kubectl's --field-selector")
	f.StringSliceVar(&w.events, "events", nil, "events: ADDED, MODIFIED, DELETED (default all)")
	f.StringVar(&w.filter, "filter", "", "CEL expression over object and type: \"type == 'MODIFIED' && object.status.phase == 'Failed'\"")
	f.BoolVar(&w.skip, "skip-existing", false, "leave out the objects that are there when the trigger begins")
}

// apply sets in t what the user gave, and says what is wrong with it.
func (w *watchFlags) apply(given func(string) bool, t *v1.KubernetesWatchTrigger) error {
	s := &t.Spec
	for flag, field := range map[string]struct {
		to   *string
		from string
	}{
		"type": {&s.Type, w.kind}, "api-version": {&s.APIVersion, w.apiVersion}, "ns": {&s.Namespace, w.namespace},
		"fields": {&s.FieldSelector, w.fields}, "filter": {&s.Filter, w.filter},
	} {
		if given(flag) {
			*field.to = field.from
		}
	}
	if given("labels") {
		set, err := labels.ConvertSelectorToLabelsMap(w.labels)
		if err != nil {
			return usagef("--labels %q: write them as key=value,…: %v", w.labels, err)
		}
		s.LabelSelector = set
	}
	if given("events") {
		s.Events = nil
		for _, e := range w.events {
			s.Events = append(s.Events, strings.ToUpper(e))
		}
	}
	if given("skip-existing") {
		s.SkipExisting = w.skip
	}
	if given("function") {
		s.FunctionReference = v1.FunctionReference{Type: v1.ReferenceName, Name: w.function}
	}
	if _, err := filter.Compile(s.Filter); err != nil {
		return usagef("--filter: %v", err)
	}
	if err := t.Validate(); err != nil {
		return usagef("%v", err)
	}
	return nil
}

func (a *app) watchCreate() *cobra.Command {
	var f watchFlags
	cmd := &cobra.Command{
		Use: "create NAME --type TYPE --function FUNCTION", Aliases: []string{"add"}, Short: "Create a watch trigger",
		Example: "  hotpod watch create failures --type pod --filter \"has(object.status.phase) && object.status.phase == 'Failed'\" --function page",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && f.name == "" {
				f.name = "watch-" + randomSuffix()
			}
			name, err := nameFrom("watch trigger", args, f.name)
			if err != nil {
				return err
			}
			if f.function == "" {
				return usagef("which function does the trigger call? --function NAME")
			}
			t := &v1.KubernetesWatchTrigger{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: a.namespace}}
			if err := f.apply(func(string) bool { return true }, t); err != nil {
				return err
			}
			if f.declare.on() {
				return a.declare(f.declare, "watchtrigger-"+name+".yaml", t)
			}
			if err := a.signTrigger(cmd.Context(), t); err != nil {
				return err
			}
			return createTrigger(cmd.Context(), a.watches(), f.function, t)
		},
	}
	f.add(cmd)
	f.declare.add(cmd.Flags())
	return cmd
}

func (a *app) watchUpdate() *cobra.Command {
	var f watchFlags
	n := a.watches()
	cmd := &cobra.Command{
		Use: "update NAME", Short: "Change a watch trigger, and become its author", ValidArgsFunction: n.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom("watch trigger", args, f.name)
			if err != nil {
				return err
			}
			return n.update(cmd.Context(), name, func(t *v1.KubernetesWatchTrigger) error {
				if err := f.apply(cmd.Flags().Changed, t); err != nil {
					return err
				}
				return a.signTrigger(cmd.Context(), t)
			})
		},
	}
	f.add(cmd)
	return cmd
}

// signTrigger writes down who the user is, as the API server sees them: what they may read, the trigger may. The API
// server checks it.
func (a *app) signTrigger(ctx context.Context, t *v1.KubernetesWatchTrigger) error {
	clients, err := a.cluster()
	if err != nil {
		return err
	}
	name, groups, err := clients.WhoAmI(ctx)
	if err != nil {
		return err
	}
	if t.Annotations == nil {
		t.Annotations = map[string]string{}
	}
	t.Annotations[v1.AnnotationAuthor] = name
	t.Annotations[v1.AnnotationAuthorGroups] = strings.Join(groups, "\n")
	return nil
}

func (a *app) watchDescribe() *cobra.Command {
	return describeTrigger(a.watches(), func(t *v1.KubernetesWatchTrigger) trigger {
		author, _ := t.Author()
		return trigger{
			conditions: t.Status.Conditions, deliveries: t.Status.Deliveries, current: t.Status.ObservedGeneration == t.Generation,
			facts: [][2]string{
				{"Watches", fmt.Sprintf("%s (%s) in %s", t.Spec.Type, dash(t.Status.Resource), watchedNamespace(t))},
				{"Labels", dash(t.Selector())},
				{"Fields", dash(t.Spec.FieldSelector)},
				{"Events", dash(strings.Join(t.Spec.Events, ","))},
				{"Filter", dash(t.Spec.Filter)},
				{"Calls", t.Spec.FunctionReference.Name},
				{"Author", dash(author.Name)},
				{"Done up to", dash(t.Status.ResourceVersion)},
				{"Gaps", fmt.Sprint(t.Status.Gaps)},
			},
		}
	})
}

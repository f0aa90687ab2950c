package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
)

func (a *app) routes() noun[*v1.HTTPTrigger, *v1.HTTPTriggerList] {
	return noun[*v1.HTTPTrigger, *v1.HTTPTriggerList]{
		app: a, name: "route", command: "hotpod route",
		client: func(c *kube.Clients, ns string) client[*v1.HTTPTrigger, *v1.HTTPTriggerList] {
			return c.HTTPTriggers(ns)
		},
		items: func(l *v1.HTTPTriggerList) []*v1.HTTPTrigger { return pointers(l.Items) },
		columns: []column[*v1.HTTPTrigger]{
			{"NAME", false, func(t *v1.HTTPTrigger) string { return t.Name }},
			{"METHOD", false, func(t *v1.HTTPTrigger) string { return strings.Join(triggerMethods(t), ",") }},
			{"HOST", false, func(t *v1.HTTPTrigger) string { return dash(t.Spec.Host) }},
			{"PATH", false, triggerPath},
			{"FUNCTION", false, triggerFunctions},
			{"READY", false, func(t *v1.HTTPTrigger) string { return ready(t.Status.Conditions) }},
			{"NAMESPACE", false, func(t *v1.HTTPTrigger) string { return t.Namespace }},
			{"AGE", false, func(t *v1.HTTPTrigger) string { return age(t.CreationTimestamp, a.now()) }},
		},
	}
}

func triggerMethods(t *v1.HTTPTrigger) []string {
	all := t.Spec.Methods
	if t.Spec.Method != "" {
		all = append([]string{t.Spec.Method}, all...)
	}
	if out, err := methods(all); err == nil && len(out) > 0 {
		return out
	}
	return []string{"GET"}
}

func triggerPath(t *v1.HTTPTrigger) string {
	if t.Spec.Prefix != nil && *t.Spec.Prefix != "" {
		return strings.TrimSuffix(*t.Spec.Prefix, "/") + "/*"
	}
	return t.Spec.RelativeURL
}

func triggerFunctions(t *v1.HTTPTrigger) string {
	if t.Spec.FunctionReference.Type != v1.ReferenceWeights {
		return t.Spec.FunctionReference.Name
	}
	var parts []string
	for _, name := range sortedKeys(t.Spec.FunctionReference.FunctionWeights) {
		parts = append(parts, fmt.Sprintf("%s:%d", name, t.Spec.FunctionReference.FunctionWeights[name]))
	}
	return strings.Join(parts, ",")
}

func (a *app) routeCommand() *cobra.Command {
	n := a.routes()
	return group("httptrigger", "Create and manage routes: URLs that call functions", []string{"ht", "route"},
		a.routeCreate(), a.routeUpdate(), n.getCommand(), a.routeList(), n.waitCommand(),
		n.deleteCommand(func(context.Context, *v1.HTTPTrigger, bool) error { return nil }))
}

// routeList is "list" with Fission's filter.
func (a *app) routeList() *cobra.Command {
	n := a.routes()
	function := ""
	n.keep = func(t *v1.HTTPTrigger) bool { return function == "" || callsFunction(t, function) }
	cmd := n.listCommand()
	cmd.Flags().StringVar(&function, "function", "", "only routes that call this function")
	return cmd
}

// routeFlags are those of create and update, named as in Fission.
type routeFlags struct {
	name, url, prefix, host string
	methods, functions      []string
	weights                 []int
	keepPrefix, noWait      bool
	declare                 declareFlags
	publish                 publishFlags
	flags                   *pflag.FlagSet // of a command that has the flags of publish; nil of one that has not
}

func (r *routeFlags) add(cmd *cobra.Command, method []string) {
	f := cmd.Flags()
	f.StringVar(&r.name, "name", "", "name; made up when missing")
	f.StringVar(&r.url, "url", "", "path of the URL; {var} and {var:regex} match one segment")
	f.StringVar(&r.prefix, "prefix", "", "path prefix, in place of --url")
	f.StringVar(&r.host, "host", "", "host that the request must name")
	f.StringSliceVar(&r.methods, "method", method, "methods that the route answers")
	f.StringSliceVar(&r.functions, "function", nil, "function to call; twice with --weight to split")
	f.IntSliceVar(&r.weights, "weight", nil, "weights of the functions, in the same order")
	f.BoolVar(&r.keepPrefix, "keepprefix", false, "pass the prefix on to the function")
	f.BoolVar(&r.noWait, "no-wait", false, "do not wait until Envoy serves the route")
	r.publish.add(f)
	r.flags = f
}

// apply sets in t what the user gave; on creation (all) also the defaults.
func (r *routeFlags) apply(given func(string) bool, t *v1.HTTPTrigger) error {
	if given("url") && r.url != "" {
		t.Spec.RelativeURL, t.Spec.Prefix = r.url, nil
	}
	if given("prefix") && r.prefix != "" {
		t.Spec.RelativeURL, t.Spec.Prefix = "", &r.prefix
	}
	if given("host") {
		t.Spec.Host = r.host
	}
	if given("keepprefix") {
		t.Spec.KeepPrefix = r.keepPrefix
	}
	if given("method") {
		m, err := methods(r.methods)
		if err != nil {
			return err
		}
		t.Spec.Method, t.Spec.Methods = "", m
	}
	if len(r.functions) > 0 {
		ref, err := reference(r.functions, r.weights)
		if err != nil {
			return err
		}
		t.Spec.FunctionReference = ref
	}
	if r.flags == nil {
		return nil
	}
	return r.publish.apply(r.flags, &t.Spec)
}

// reference makes a function reference of names and weights.
func reference(functions []string, weights []int) (v1.FunctionReference, error) {
	if len(functions) == 1 {
		return v1.FunctionReference{Type: v1.ReferenceName, Name: functions[0]}, nil
	}
	if len(weights) != len(functions) {
		return v1.FunctionReference{}, usagef("%d functions need as many weights: --weight N for each", len(functions))
	}
	ref := v1.FunctionReference{Type: v1.ReferenceWeights, FunctionWeights: map[string]int{}}
	total := 0
	for i, name := range functions {
		if weights[i] < 0 {
			return ref, usagef("weight %d of %s: it cannot be negative", weights[i], name)
		}
		ref.FunctionWeights[name] = weights[i]
		total += weights[i]
	}
	if total == 0 {
		return ref, usagef("the weights add up to zero: no function would be called")
	}
	return ref, nil
}

func (a *app) routeCreate() *cobra.Command {
	var r routeFlags
	cmd := &cobra.Command{
		Use: "create NAME --url URL --function FUNCTION", Aliases: []string{"add"}, Short: "Create a route",
		Example: "  hotpod route create --method GET --url /hello --function hello",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && r.name == "" {
				r.name = "route-" + randomSuffix()
			}
			name, err := nameFrom("route", args, r.name)
			if err != nil {
				return err
			}
			if r.declare.on() {
				t, err := a.newRoute(name, &r)
				if err != nil {
					return err
				}
				return a.declare(r.declare, "route-"+name+".yaml", t)
			}
			return a.createRoute(cmd.Context(), name, &r)
		},
	}
	r.add(cmd, []string{"GET"})
	r.declare.add(cmd.Flags())
	return cmd
}

// newRoute returns the route that the flags describe.
func (a *app) newRoute(name string, r *routeFlags) (*v1.HTTPTrigger, error) {
	if err := checkName("route", name); err != nil {
		return nil, err
	}
	if len(r.functions) == 0 {
		return nil, usagef("which function does the route call? --function NAME")
	}
	if (r.url == "") == (r.prefix == "") {
		return nil, usagef("a route has one of --url and --prefix, for example --url /hello")
	}
	t := &v1.HTTPTrigger{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: a.namespace}}
	return t, r.apply(func(string) bool { return true }, t)
}

func (a *app) createRoute(ctx context.Context, name string, r *routeFlags) error {
	t, err := a.newRoute(name, r)
	if err != nil {
		return err
	}
	c, err := a.routes().in()
	if err != nil {
		return err
	}
	for _, fn := range r.functions {
		if _, err := a.functions().get(ctx, fn); err != nil {
			return err
		}
	}
	t.Namespace = a.namespace
	out, err := c.Create(ctx, t, metav1.CreateOptions{})
	if err != nil {
		return created(err, "route", name, "hotpod route update "+name)
	}
	if !r.noWait {
		if err := a.served(ctx, out); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(a.Out, "route %q created\n", name)
	return err
}

// served waits until Envoy serves the route. A route that cannot be served is an error; it stays, for its owner
// to mend.
func (a *app) served(ctx context.Context, t *v1.HTTPTrigger) error {
	var refused error
	err := a.routes().wait(ctx, t.Name, "served", settleTime, func(now *v1.HTTPTrigger) (bool, error) {
		refused = nil
		if now.Status.ObservedGeneration < t.Generation {
			return false, nil
		}
		for _, kind := range []string{v1.ConditionRouteAdmitted, v1.ConditionReady} {
			if c := meta.FindStatusCondition(now.Status.Conditions, kind); c != nil && c.Status == metav1.ConditionFalse && c.Reason != v1.ReasonWaitingForEnvoy {
				refused = hint(fmt.Errorf("route %s is not served: %s: %s", t.Name, c.Reason, c.Message),
					"hotpod route update "+t.Name+" …", "hotpod route delete "+t.Name)
				// The function was there a moment ago: the router may hear of it after the route.
				return c.Reason != v1.ReasonFunctionNotFound, nil
			}
		}
		return meta.IsStatusConditionTrue(now.Status.Conditions, v1.ConditionReady), nil
	})
	if refused != nil {
		return refused
	}
	a.settle(err, "route", t.Name)
	return nil
}

func (a *app) routeUpdate() *cobra.Command {
	var r routeFlags
	n := a.routes()
	cmd := &cobra.Command{
		Use: "update NAME", Short: "Change a route", ValidArgsFunction: n.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom("route", args, r.name)
			if err != nil {
				return err
			}
			if r.url != "" && r.prefix != "" {
				return usagef("a route has one of --url and --prefix")
			}
			out, err := n.change(cmd.Context(), name, func(t *v1.HTTPTrigger) error { return r.apply(cmd.Flags().Changed, t) })
			if err != nil {
				return err
			}
			if !r.noWait {
				if err := a.served(cmd.Context(), out); err != nil {
					return err
				}
			}
			_, err = fmt.Fprintf(a.Out, "route %q updated\n", name)
			return err
		},
	}
	r.add(cmd, nil)
	return cmd
}

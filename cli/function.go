package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
)

func (a *app) functions() noun[*v1.Function, *v1.FunctionList] {
	scale := func(value func(v1.ExecutionStrategy) int) func(*v1.Function) string {
		return func(f *v1.Function) string { return strconv.Itoa(value(f.Spec.InvokeStrategy.ExecutionStrategy)) }
	}
	return noun[*v1.Function, *v1.FunctionList]{
		app: a, name: "function", command: "hotpod function",
		client: func(c *kube.Clients, ns string) client[*v1.Function, *v1.FunctionList] { return c.Functions(ns) },
		items:  func(l *v1.FunctionList) []*v1.Function { return pointers(l.Items) },
		columns: []column[*v1.Function]{
			{"NAME", false, func(f *v1.Function) string { return f.Name }},
			{"ENV", false, func(f *v1.Function) string { return dash(f.Spec.Environment.Name) }},
			{"EXECUTORTYPE", false, func(f *v1.Function) string { return f.Executor() }},
			{"MINSCALE", true, scale(func(s v1.ExecutionStrategy) int { return s.MinScale })},
			{"MAXSCALE", true, scale(func(s v1.ExecutionStrategy) int { return s.MaxScale })},
			{"CONCURRENCY", true, func(f *v1.Function) string { return strconv.Itoa(f.MaxPods()) }},
			{"REQUESTSPERPOD", true, requestsPerPod},
			{"PACKAGE", true, func(f *v1.Function) string { return dash(f.Spec.Package.PackageRef.Name) }},
			{"SECRETS", true, secretNames},
			{"CONFIGMAPS", true, configMapNames},
			{"READY", false, func(f *v1.Function) string { return ready(f.Status.Conditions) }},
			{"NAMESPACE", false, func(f *v1.Function) string { return f.Namespace }},
			{"AGE", false, func(f *v1.Function) string { return age(f.CreationTimestamp, a.now()) }},
		},
	}
}

func secretNames(f *v1.Function) string {
	names := make([]string, 0, len(f.Spec.Secrets))
	for _, s := range f.Spec.Secrets {
		names = append(names, s.Name)
	}
	return dash(strings.Join(names, ","))
}

func configMapNames(f *v1.Function) string {
	names := make([]string, 0, len(f.Spec.ConfigMaps))
	for _, c := range f.Spec.ConfigMaps {
		names = append(names, c.Name)
	}
	return dash(strings.Join(names, ","))
}

func (a *app) functionCommand() *cobra.Command {
	n := a.functions()
	meta := n.getCommand()
	meta.Use, meta.Short = "getmeta NAME", "Show one function"
	return group("function", "Create, call and manage functions", []string{"fn"},
		a.functionCreate(), a.functionUpdate(), a.functionGet(), meta, n.listCommand(), a.functionDelete(),
		a.functionDescribe(), a.functionTest(), a.functionLogs(), a.functionPods(), a.runContainer(), a.updateContainer(), n.waitCommand())
}

// functionFlags are those of create and update, named as in Fission.
type functionFlags struct {
	name, env, pkg, entryPoint, executor          string
	minScale, maxScale, targetCPU, specialization int
	timeout, idle, concurrency, perPod, retain    int
	once, noWait, yes, noRoute                    bool
	secrets, configMaps                           []string
	code                                          codeFlags
	declare                                       declareFlags
	variables                                     variableFlags
	streams                                       streamFlags
	resources                                     resourceFlags
	service                                       serviceFlags
	meta                                          metaFlags
}

func (o *functionFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.env, "env", "", "environment that runs the function")
	f.StringVar(&o.pkg, "pkg", "", "existing package that holds the code")
	f.StringVar(&o.pkg, "pkgname", "", "same as --pkg")
	f.StringVar(&o.entryPoint, "entrypoint", "", "entry point in the code, in the environment's notation (main.handler)")
	f.StringVar(&o.entryPoint, "entry", "", "same as --entrypoint")
	f.StringVar(&o.executor, "executortype", v1.ExecutorPool, "how pods are made: poolmgr (from the environment's pool) or newdeploy (the function's own)")
	f.IntVar(&o.concurrency, "concurrency", v1.DefaultConcurrency, "pods at most (poolmgr; others: --maxscale)")
	f.IntVar(&o.concurrency, "con", v1.DefaultConcurrency, "same as --concurrency")
	o.code.add(cmd)
	o.addCommon(f)
}

// addCommon adds the flags that functions of every executor have.
func (o *functionFlags) addCommon(f *pflag.FlagSet) {
	f.StringVar(&o.name, "name", "", "name")
	f.IntVar(&o.minScale, "minscale", 0, "pods kept at least (default 0 with poolmgr, else 1; 0 lets the function go to zero)")
	f.IntVar(&o.maxScale, "maxscale", 0, "pods at most (default --concurrency with poolmgr, else --minscale, or 1)")
	f.IntVar(&o.targetCPU, "targetcpu", 0, "deprecated, without effect")
	f.IntVar(&o.specialization, "specializationtimeout", 120, "seconds that a request may wait for a pod")
	f.IntVar(&o.specialization, "st", 120, "same as --specializationtimeout")
	f.IntVar(&o.timeout, "fntimeout", 60, "seconds that a request may run")
	f.IntVar(&o.timeout, "ft", 60, "same as --fntimeout")
	f.IntVar(&o.idle, "idletimeout", 0, "seconds after which an idle pod goes (default 120, of a container 60)")
	f.IntVar(&o.perPod, "requestsperpod", v1.DefaultRequestsPerPod, "requests inside one pod at a time (default 1 with poolmgr, else any number)")
	f.IntVar(&o.perPod, "rpp", v1.DefaultRequestsPerPod, "same as --requestsperpod")
	f.IntVar(&o.retain, "retainpods", 0, "pods kept when idle")
	f.BoolVar(&o.once, "onceonly", false, "give each pod a single request in its life")
	f.BoolVar(&o.once, "yolo", false, "same as --onceonly")
	f.StringSliceVar(&o.secrets, "secret", nil, "Secret to mount under /secrets; a container gets its keys as environment variables")
	f.StringSliceVar(&o.configMaps, "configmap", nil, "ConfigMap to mount under /configs; a container gets its keys as environment variables")
	f.BoolVar(&o.noWait, "no-wait", false, "do not wait until the platform has taken it over")
	o.variables.add(f)
	o.streams.add(f)
	o.resources.add(f)
	o.service.add(f)
	o.meta.add(f)
}

// apply sets in fn what the user gave; on creation (all) also the defaults.
func (o *functionFlags) apply(f *pflag.FlagSet, fn *v1.Function, all bool) error {
	given := func(flags ...string) bool {
		changed := all
		for _, flag := range flags {
			changed = changed || f.Changed(flag)
		}
		return changed
	}
	s := &fn.Spec
	if given("executortype") {
		s.InvokeStrategy.ExecutionStrategy.ExecutorType = o.executor
		s.InvokeStrategy.StrategyType = "execution"
	}
	own := fn.Executor() != v1.ExecutorPool
	if own && all {
		o.ownDefaults(f)
	}
	for _, n := range []struct {
		flags  []string
		value  int
		target *int
	}{
		{[]string{"minscale"}, o.minScale, &s.InvokeStrategy.ExecutionStrategy.MinScale},
		{[]string{"maxscale"}, o.maxScale, &s.InvokeStrategy.ExecutionStrategy.MaxScale},
		{[]string{"specializationtimeout", "st"}, o.specialization, &s.InvokeStrategy.ExecutionStrategy.SpecializationTimeout},
		{[]string{"fntimeout", "ft"}, o.timeout, &s.FunctionTimeout},
		{[]string{"concurrency", "con"}, o.concurrency, &s.Concurrency},
		{[]string{"requestsperpod", "rpp"}, o.perPod, &s.RequestsPerPod},
		{[]string{"retainpods"}, o.retain, &s.RetainPods},
	} {
		if !given(n.flags...) || n.target == &s.Concurrency && !f.Changed("concurrency") && !f.Changed("con") ||
			own && n.target == &s.RequestsPerPod && !f.Changed("requestsperpod") && !f.Changed("rpp") {
			continue
		}
		if n.value < 0 {
			return usagef("--%s is %d: it cannot be negative", n.flags[0], n.value)
		}
		*n.target = n.value
	}
	if f.Changed("idletimeout") { // like concurrency: what the user did not say must not overrule an annotation
		s.IdleTimeout = &o.idle
	}
	o.applyRest(given, fn)
	if err := o.applyGroups(f, s); err != nil {
		return err
	}
	if own {
		o.applyOwn(f, &s.InvokeStrategy.ExecutionStrategy)
	} else if o.targetCPU != 0 {
		return usagef("--targetcpu has no effect: pods scale by concurrency (see --concurrency and --requestsperpod)")
	}
	if err := o.meta.apply(&fn.Labels, &fn.Annotations); err != nil {
		return err
	}
	return o.service.apply(f, fn)
}

// applyOwn sets what only functions with pods of their own have.
func (o *functionFlags) applyOwn(f *pflag.FlagSet, s *v1.ExecutionStrategy) {
	if s.MaxScale == 0 {
		s.MaxScale = max(1, s.MinScale) // it was of another executor, which needs none
	}
	if f.Changed("targetcpu") { // scripts for Fission name it
		s.TargetCPUPercent = o.targetCPU
	}
}

// ownDefaults are Fission's for functions with pods of their own.
func (o *functionFlags) ownDefaults(f *pflag.FlagSet) {
	if !f.Changed("minscale") {
		o.minScale = 1
	}
	if !f.Changed("maxscale") {
		o.maxScale = max(1, o.minScale)
	}
}

// applyGroups sets what groups of flags say of resources, of variables and of streams.
func (o *functionFlags) applyGroups(f *pflag.FlagSet, s *v1.FunctionSpec) error {
	if err := o.resources.apply(f, &s.Resources); err != nil {
		return err
	}
	if err := o.variables.apply(f, s); err != nil {
		return err
	}
	return o.streams.apply(f, s)
}

func (o *functionFlags) applyRest(given func(...string) bool, fn *v1.Function) {
	s := &fn.Spec
	if given("onceonly", "yolo") {
		s.OnceOnly = o.once
	}
	if given("entrypoint", "entry") {
		s.Package.FunctionName = o.entryPoint
	}
	if given("secret") {
		s.Secrets = nil
		for _, name := range o.secrets {
			s.Secrets = append(s.Secrets, v1.SecretReference{Namespace: fn.Namespace, Name: name})
		}
	}
	if given("configmap") {
		s.ConfigMaps = nil
		for _, name := range o.configMaps {
			s.ConfigMaps = append(s.ConfigMaps, v1.ConfigMapReference{Namespace: fn.Namespace, Name: name})
		}
	}
}

func (a *app) functionGet() *cobra.Command {
	var f listFlags
	n := a.functions()
	cmd := &cobra.Command{
		Use: "get NAME", Short: "Print a function's code; with -o, the object", ValidArgsFunction: n.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && f.name == "" {
				return n.list(cmd.Context(), f)
			}
			name, err := nameFrom("function", args, f.name)
			if err != nil {
				return err
			}
			if f.format != "" || f.watch {
				return n.show(cmd.Context(), name, f)
			}
			fn, err := n.get(cmd.Context(), name)
			if err != nil {
				return err
			}
			if fn.PackageKey() == "" {
				return &Error{Err: fmt.Errorf("function %s has no package", name), Code: ExitNotFound}
			}
			p, err := a.packages().get(cmd.Context(), fn.Spec.Package.PackageRef.Name)
			if err != nil {
				return err
			}
			return a.writeArchive(cmd.Context(), p.Name, "deployment", &p.Spec.Deployment, "")
		},
	}
	cmd.Flags().StringVar(&f.name, "name", "", "name")
	f.add(cmd)
	return cmd
}

func (a *app) functionPods() *cobra.Command {
	var f listFlags
	n := a.functions()
	cmd := &cobra.Command{
		Use: "pods NAME", Aliases: []string{"po"}, Short: "List the pods that hold a function", ValidArgsFunction: n.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom("function", args, f.name)
			if err != nil {
				return err
			}
			fn, err := n.get(cmd.Context(), name)
			if err != nil {
				return err
			}
			pods, err := a.podsOf(cmd.Context(), string(fn.UID))
			if err != nil {
				return fmt.Errorf("list pods: %w", err)
			}
			return a.printPods(pods, f.format)
		},
	}
	cmd.Flags().StringVar(&f.name, "name", "", "name")
	cmd.Flags().StringVarP(&f.format, "output", "o", "", "output format: "+formats)
	return cmd
}

// ownedBy makes a package go with its function.
func ownedBy(fn *v1.Function) metav1.OwnerReference {
	return metav1.OwnerReference{APIVersion: v1.GroupVersion.String(), Kind: "Function", Name: fn.Name, UID: fn.UID}
}

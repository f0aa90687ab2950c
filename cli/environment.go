package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
	"hotpod.dev/wire"
)

func (a *app) environments() noun[*v1.Environment, *v1.EnvironmentList] {
	return noun[*v1.Environment, *v1.EnvironmentList]{
		app: a, name: "environment", command: "hotpod env",
		client: func(c *kube.Clients, ns string) client[*v1.Environment, *v1.EnvironmentList] {
			return c.Environments(ns)
		},
		items: func(l *v1.EnvironmentList) []*v1.Environment { return pointers(l.Items) },
		columns: []column[*v1.Environment]{
			{"NAME", false, func(e *v1.Environment) string { return e.Name }},
			{"IMAGE", false, func(e *v1.Environment) string { return e.Spec.Runtime.Image }},
			{"BUILDER", true, func(e *v1.Environment) string { return dash(e.Spec.Builder.Image) }},
			{"POOLSIZE", false, func(e *v1.Environment) string { return strconv.Itoa(e.PoolSize()) }},
			{"VERSION", true, func(e *v1.Environment) string { return strconv.Itoa(e.Spec.Version) }},
			{"READY", false, func(e *v1.Environment) string { return ready(e.Status.Conditions) }},
			{"NAMESPACE", false, func(e *v1.Environment) string { return e.Namespace }},
			{"AGE", false, func(e *v1.Environment) string { return age(e.CreationTimestamp, a.now()) }},
		},
	}
}

func (a *app) environmentCommand() *cobra.Command {
	n := a.environments()
	return group("environment", "Create and manage environments: the languages that functions run in", []string{"env"},
		a.environmentCreate(), a.environmentUpdate(), a.environmentDescribe(), n.getCommand(), n.listCommand(),
		n.deleteCommand(a.refuseUsedEnvironment), n.waitCommand(), a.environmentPods(), a.environmentImpact(), a.environmentTest())
}

// environmentFlags are those of create and update, named as in Fission.
type environmentFlags struct {
	name                                     string
	image, builder, buildCommand, pullSecret string
	poolsize, version                        int
	period                                   int64
	keepArchive, external                    bool
	runtimeEnv, builderEnv                   []string
	resources                                resourceFlags
	meta                                     metaFlags
	declare                                  declareFlags
}

func (e *environmentFlags) add(f *pflag.FlagSet) {
	f.StringVar(&e.name, "name", "", "name")
	f.StringVar(&e.image, "image", "", "image that runs functions, for example fission/node-env")
	f.StringVar(&e.builder, "builder", "", "image that builds source archives")
	f.StringVar(&e.buildCommand, "buildcmd", "", "command of the builder")
	f.StringVar(&e.pullSecret, "imagepullsecret", "", "Secret with registry credentials")
	f.IntVar(&e.poolsize, "poolsize", v1.DefaultPoolsize, "warm pods kept ready")
	f.Int64Var(&e.period, "period", v1.DefaultTerminationGracePeriod, "seconds that a pod may take to finish its requests")
	f.Int64Var(&e.period, "graceperiod", v1.DefaultTerminationGracePeriod, "same as --period")
	f.BoolVar(&e.keepArchive, "keeparchive", false, "hand archives to the runtime as they are, not unpacked")
	f.BoolVar(&e.external, "externalnetwork", false, "let pods reach outside networks (service meshes)")
	f.StringArrayVar(&e.runtimeEnv, "runtime-env", nil, "environment variable of the runtime, KEY=VALUE")
	f.StringArrayVar(&e.builderEnv, "builder-env", nil, "environment variable of the builder, KEY=VALUE")
	e.resources.add(f)
	e.meta.add(f)
}

// apply sets in env what the user gave; on creation (all) also the defaults.
func (e *environmentFlags) apply(f *pflag.FlagSet, env *v1.Environment, all bool) error {
	given := func(flag string) bool { return all || f.Changed(flag) }
	if given("image") {
		env.Spec.Runtime.Image = e.image
	}
	if given("builder") {
		env.Spec.Builder.Image = e.builder
	}
	if given("buildcmd") {
		env.Spec.Builder.Command = e.buildCommand
	}
	if given("imagepullsecret") {
		env.Spec.ImagePullSecret = e.pullSecret
	}
	if given("poolsize") {
		env.Spec.Poolsize = e.poolsize
	}
	if given("period") || f.Changed("graceperiod") {
		env.Spec.TerminationGracePeriod = &e.period
	}
	if given("keeparchive") {
		env.Spec.KeepArchive = e.keepArchive
	}
	if given("externalnetwork") {
		env.Spec.AllowAccessToExternalNetwork = e.external
	}
	if err := e.containers(env); err != nil {
		return err
	}
	if err := e.resources.apply(f, &env.Spec.Resources); err != nil {
		return err
	}
	return e.meta.apply(&env.Labels, &env.Annotations)
}

func (e *environmentFlags) containers(env *v1.Environment) error {
	for _, c := range []struct {
		flag   string
		pairs  []string
		target **runtime.RawExtension
	}{
		{"--runtime-env", e.runtimeEnv, &env.Spec.Runtime.Container},
		{"--builder-env", e.builderEnv, &env.Spec.Builder.Container},
	} {
		if len(c.pairs) == 0 {
			continue
		}
		merged, err := withEnv(*c.target, c.pairs, c.flag)
		if err != nil {
			return err
		}
		*c.target = merged
	}
	return nil
}

// withEnv returns the open container object with variables set; others of its fields stay.
func withEnv(raw *runtime.RawExtension, pairs []string, flag string) (*runtime.RawExtension, error) {
	var container corev1.Container
	if raw != nil && len(raw.Raw) > 0 {
		if err := json.Unmarshal(raw.Raw, &container); err != nil {
			return nil, fmt.Errorf("read container: %w", err)
		}
	}
	values := map[string]string{}
	if err := setPairs(&values, pairs, flag); err != nil {
		return nil, err
	}
	kept := container.Env[:0]
	for _, v := range container.Env {
		if _, replaced := values[v.Name]; !replaced {
			kept = append(kept, v)
		}
	}
	container.Env = kept
	for _, name := range sortedKeys(values) {
		container.Env = append(container.Env, corev1.EnvVar{Name: name, Value: values[name]})
	}
	out, err := json.Marshal(container)
	if err != nil {
		return nil, fmt.Errorf("write container: %w", err)
	}
	return &runtime.RawExtension{Raw: out}, nil
}

func (a *app) environmentCreate() *cobra.Command {
	var f environmentFlags
	cmd := &cobra.Command{
		Use: "create NAME --image IMAGE", Aliases: []string{"add"}, Short: "Create an environment",
		Example: "  hotpod env create --name nodejs --image fission/node-env",
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom("environment", args, f.name)
			if err != nil {
				return err
			}
			return a.createEnvironment(cmd, name, &f)
		},
	}
	f.add(cmd.Flags())
	f.declare.add(cmd.Flags())
	cmd.Flags().IntVar(&f.version, "version", 3, "version of the environment contract (1, 2 or 3)")
	return cmd
}

func (a *app) createEnvironment(cmd *cobra.Command, name string, f *environmentFlags) error {
	if err := checkName("environment", name); err != nil {
		return err
	}
	if f.image == "" {
		return &Error{
			Err: fmt.Errorf("environment %s needs an image", name), Code: ExitUsage,
			Try: []string{"hotpod env create " + name + " --image fission/node-env", "hotpod local image list   # images that the embedded platform knows"},
		}
	}
	env := &v1.Environment{ObjectMeta: metav1.ObjectMeta{Name: name}}
	env.Spec.Version = f.version
	if err := f.apply(cmd.Flags(), env, true); err != nil {
		return err
	}
	if f.declare.on() {
		env.Namespace = a.namespace
		return a.declare(f.declare, "env-"+name+".yaml", env)
	}
	c, err := a.environments().in()
	if err != nil {
		return err
	}
	env.Namespace = a.namespace
	if _, err := c.Create(cmd.Context(), env, metav1.CreateOptions{}); err != nil {
		return created(err, "environment", name, "hotpod env update "+name)
	}
	_, err = fmt.Fprintf(a.Out, "environment %q created\n", name)
	return err
}

func (a *app) environmentUpdate() *cobra.Command {
	var f environmentFlags
	n := a.environments()
	cmd := &cobra.Command{
		Use: "update NAME", Aliases: []string{"up"}, Short: "Change an environment", ValidArgsFunction: n.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom("environment", args, f.name)
			if err != nil {
				return err
			}
			return n.update(cmd.Context(), name, func(env *v1.Environment) error { return f.apply(cmd.Flags(), env, false) })
		},
	}
	f.add(cmd.Flags())
	return cmd
}

// refuseUsedEnvironment keeps an environment that functions still name.
func (a *app) refuseUsedEnvironment(ctx context.Context, env *v1.Environment, force bool) error {
	if force {
		return nil
	}
	list, err := a.clients.Functions(env.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("look for functions of the environment: %w", err)
	}
	for i := range list.Items {
		if f := &list.Items[i]; f.EnvironmentKey() == env.Namespace+"/"+env.Name {
			return hint(fmt.Errorf("environment %s is used by function %s", env.Name, f.Name),
				"hotpod function delete "+f.Name, "hotpod env delete "+env.Name+" --force")
		}
	}
	return nil
}

func (a *app) environmentPods() *cobra.Command {
	var (
		f        listFlags
		executor string
	)
	cmd := &cobra.Command{
		Use: "pods NAME", Short: "List an environment's pods, warm and hot", ValidArgsFunction: a.environments().completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom("environment", args, f.name)
			if err != nil {
				return err
			}
			env, err := a.environments().get(cmd.Context(), name)
			if err != nil {
				return err
			}
			f.selector = wire.LabelEnvironmentUID + "=" + string(env.UID)
			f.all = true
			if executor != "" {
				f.selector += "," + wire.LabelExecutorType + "=" + executor
			}
			return a.pods().list(cmd.Context(), f)
		},
	}
	cmd.Flags().StringVar(&f.name, "name", "", "name")
	cmd.Flags().StringVarP(&f.format, "output", "o", "", "output format: "+formats)
	cmd.Flags().StringVar(&executor, "executortype", "", "only pods of this executor: poolmgr or newdeploy")
	return cmd
}

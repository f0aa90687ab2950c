package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	v1 "hotpod.dev/api/v1"
)

// containerFlags are those of functions that are images, named as in Fission.
type containerFlags struct {
	image, command, args, pullSecret string
	port                             int
	grace                            int64
	function                         functionFlags
}

func (o *containerFlags) add(f *pflag.FlagSet) {
	f.StringVar(&o.image, "image", "", "image to run")
	f.IntVar(&o.port, "port", 8888, "port that it takes requests on")
	f.StringVar(&o.command, "command", "", "command in place of the image's, words apart by spaces")
	f.StringVar(&o.args, "args", "", "arguments in place of the image's, words apart by spaces")
	f.StringVar(&o.pullSecret, "imagepullsecret", "", "Secret with the registry's credentials")
	f.Int64Var(&o.grace, "graceperiod", 360, "seconds that a pod may take to finish its requests when somebody deletes it")
	o.function.executor = v1.ExecutorContainer
	o.function.addCommon(f)
}

// apply sets in the function what the user gave; on creation (all) also the defaults.
func (o *containerFlags) apply(f *pflag.FlagSet, fn *v1.Function, all bool) error {
	if err := o.function.apply(f, fn, all); err != nil {
		return err
	}
	spec := corev1.PodSpec{}
	if fn.Spec.PodSpec != nil {
		if err := json.Unmarshal(fn.Spec.PodSpec.Raw, &spec); err != nil {
			return fmt.Errorf("read spec.podspec of function %s: %w", fn.Name, err)
		}
	}
	if len(spec.Containers) == 0 {
		spec.Containers = []corev1.Container{{Name: fn.Name}}
	}
	o.applyMain(f, fn.MainContainer(&spec), all)
	if f.Changed("imagepullsecret") {
		spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: o.pullSecret}}
	}
	if all || f.Changed("graceperiod") {
		spec.TerminationGracePeriodSeconds = &o.grace
	}
	raw, err := json.Marshal(spec)
	if err != nil {
		return fmt.Errorf("encode spec.podspec: %w", err)
	}
	fn.Spec.PodSpec = &runtime.RawExtension{Raw: raw}
	return nil
}

func (o *containerFlags) applyMain(f *pflag.FlagSet, c *corev1.Container, all bool) {
	if f.Changed("image") {
		c.Image = o.image
	}
	if all || f.Changed("port") {
		port := corev1.ContainerPort{Name: "http-env", ContainerPort: int32(o.port)} //nolint:gosec // checked before
		if len(c.Ports) > 0 {
			port.Name = c.Ports[0].Name // which says what is spoken there
			c.Ports = c.Ports[1:]
		}
		c.Ports = append([]corev1.ContainerPort{port}, c.Ports...)
	}
	if f.Changed("command") {
		c.Command = strings.Fields(o.command)
	}
	if f.Changed("args") {
		c.Args = strings.Fields(o.args)
	}
}

func (o *containerFlags) check() error {
	switch {
	case o.port < 1 || o.port > 65535:
		return usagef("--port is %d: a port is between 1 and 65535", o.port)
	case o.grace < 0:
		return usagef("--graceperiod is %d: it cannot be negative", o.grace)
	}
	return nil
}

func (a *app) runContainer() *cobra.Command {
	var (
		o     containerFlags
		route routeFlags
	)
	cmd := &cobra.Command{
		Use: "run-container NAME --image IMAGE", Aliases: []string{"runc"}, Short: "Create a function that is an image",
		Example: "  hotpod function run-container web --image example.org/web:1 --port 8080 --url /web\n" +
			"  hotpod fn runc web --image example.org/web:1 --port 8080 --minscale 0 --maxscale 5",
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom("function", args, o.function.name)
			if err != nil {
				return err
			}
			return a.createContainer(cmd, name, &o, &route)
		},
	}
	o.add(cmd.Flags())
	addRouteFlags(cmd.Flags(), &route)
	return cmd
}

func (a *app) createContainer(cmd *cobra.Command, name string, o *containerFlags, route *routeFlags) error {
	ctx, steps := cmd.Context(), a.newSteps()
	if err := checkName("function", name); err != nil {
		return err
	}
	if o.image == "" {
		return usagef("function %s needs an image: --image NAME", name)
	}
	if err := o.check(); err != nil {
		return err
	}
	clients, err := a.cluster()
	if err != nil {
		return err
	}
	fn := &v1.Function{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: a.namespace}}
	if err := o.apply(cmd.Flags(), fn, true); err != nil {
		return err
	}
	out, err := clients.Functions(a.namespace).Create(ctx, fn, metav1.CreateOptions{})
	if err != nil {
		return created(err, "function", name, "hotpod function update-container "+name+" --image …")
	}
	if !o.function.noWait {
		a.settle(a.functions().wait(ctx, name, "taken over", settleTime, functionSettled(out.Generation)), "function", name)
	}
	steps.done("function", "%s (%s)", name, o.image)
	fmt.Fprintf(a.Out, "function %q created\n", name)
	return a.createFirstRoute(ctx, name, route, steps)
}

func (a *app) updateContainer() *cobra.Command {
	var o containerFlags
	n := a.functions()
	cmd := &cobra.Command{
		Use: "update-container NAME", Aliases: []string{"updatec"}, ValidArgsFunction: n.completeNames,
		Short: "Change a function that is an image; its new pods answer when this returns",
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom("function", args, o.function.name)
			if err != nil {
				return err
			}
			if err := o.check(); err != nil {
				return err
			}
			fn, err := n.get(cmd.Context(), name)
			if err != nil {
				return err
			}
			if fn.Executor() != v1.ExecutorContainer {
				return hint(fmt.Errorf("function %s is of executor type %s, not an image", name, fn.Executor()), "hotpod function update "+name)
			}
			return a.changeFunction(cmd.Context(), name, o.function.noWait, func(f *v1.Function) error { return o.apply(cmd.Flags(), f, false) })
		},
	}
	o.add(cmd.Flags())
	return cmd
}

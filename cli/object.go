package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"

	"hotpod.dev/kube"
)

// object is what every kind's pointer type is.
type object interface {
	metav1.Object
	runtime.Object
}

// client is the part of a typed client that the commands use.
type client[T object, L runtime.Object] interface {
	Create(context.Context, T, metav1.CreateOptions) (T, error)
	Update(context.Context, T, metav1.UpdateOptions) (T, error)
	Delete(context.Context, string, metav1.DeleteOptions) error
	Get(context.Context, string, metav1.GetOptions) (T, error)
	List(context.Context, metav1.ListOptions) (L, error)
	Watch(context.Context, metav1.ListOptions) (watch.Interface, error)
}

// noun is what the commands of all kinds have in common.
type noun[T object, L runtime.Object] struct {
	app *app
	// name in messages, and the command that creates one.
	name, command string
	client        func(*kube.Clients, string) client[T, L]
	items         func(L) []T
	columns       []column[T]
	// keep says which items of a list are shown; nil means all.
	keep func(T) bool
}

// pointers returns pointers to the items of a list.
func pointers[T any](items []T) []*T {
	out := make([]*T, len(items))
	for i := range items {
		out[i] = &items[i]
	}
	return out
}

// in returns the client of the chosen namespace.
func (n noun[T, L]) in() (client[T, L], error) {
	clients, err := n.app.cluster()
	if err != nil {
		return nil, err
	}
	return n.client(clients, n.app.namespace), nil
}

// get reads one object; a name that does not exist gives an error with near names.
func (n noun[T, L]) get(ctx context.Context, name string) (T, error) {
	var none T
	c, err := n.in()
	if err != nil {
		return none, err
	}
	obj, err := c.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return none, n.notFound(ctx, c, name)
	}
	return obj, err
}

func (n noun[T, L]) notFound(ctx context.Context, c client[T, L], name string) error {
	e := &Error{
		Err:  fmt.Errorf("there is no %s %q in namespace %s", n.name, name, n.app.namespace),
		Code: ExitNotFound,
	}
	if list, err := c.List(ctx, metav1.ListOptions{}); err == nil {
		if near := nearest(name, n.items(list)); near != "" {
			e.Err = fmt.Errorf("%w; did you mean %q?", e.Err, near)
		}
	}
	e.Try = []string{n.command + " list -A"}
	return e
}

// listFlags are those of get and list.
type listFlags struct {
	name, format, selector string
	all, watch             bool
}

// listCommand returns "list" (alias of get without a name).
func (n noun[T, L]) listCommand() *cobra.Command {
	var f listFlags
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List all, as a table or with -o " + formats, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return n.list(cmd.Context(), f) },
	}
	f.add(cmd)
	return cmd
}

// getCommand returns "get NAME".
func (n noun[T, L]) getCommand() *cobra.Command {
	var f listFlags
	cmd := &cobra.Command{
		Use: "get NAME", Short: "Show one, or all without a name", ValidArgsFunction: n.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && f.name == "" {
				return n.list(cmd.Context(), f)
			}
			name, err := nameFrom(n.name, args, f.name)
			if err != nil {
				return err
			}
			return n.show(cmd.Context(), name, f)
		},
	}
	cmd.Flags().StringVar(&f.name, "name", "", "name")
	f.add(cmd)
	return cmd
}

func (f *listFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVarP(&f.format, "output", "o", "", "output format: "+formats)
	fs.StringVarP(&f.selector, "selector", "l", "", "label selector")
	fs.BoolVarP(&f.all, "all-namespaces", "A", false, "all namespaces")
	fs.BoolVarP(&f.watch, "watch", "w", false, "go on and print changes")
}

func (n noun[T, L]) list(ctx context.Context, f listFlags) error {
	if _, err := labels.Parse(f.selector); err != nil {
		return usagef("--selector %q: %v", f.selector, err)
	}
	c, err := n.scope(f)
	if err != nil {
		return err
	}
	list, err := c.List(ctx, metav1.ListOptions{LabelSelector: f.selector})
	if err != nil {
		return fmt.Errorf("list %ss: %w", n.name, err)
	}
	if err := n.printList(list, f); err != nil || !f.watch {
		return err
	}
	version := ""
	if m, ok := any(list).(metav1.ListInterface); ok {
		version = m.GetResourceVersion()
	}
	return n.follow(ctx, c, f, metav1.ListOptions{LabelSelector: f.selector, ResourceVersion: version})
}

func (n noun[T, L]) printList(list L, f listFlags) error {
	if err := n.filter(list); err != nil {
		return err
	}
	items := n.items(list)
	for _, item := range items {
		item.SetManagedFields(nil) // nobody who reads asks for them
	}
	switch {
	case !table(f.format):
		return printObject(n.app.Out, kube.Scheme(), list, f.format)
	case len(items) > 0:
		return printTable(n.app.Out, n.columns, items, f.format, true)
	case f.all:
		n.app.progress("no %ss in any namespace", n.name)
	default:
		n.app.progress("no %ss in namespace %s", n.name, n.app.namespace)
	}
	return nil
}

// filter drops the items that are not to be shown.
func (n noun[T, L]) filter(list L) error {
	if n.keep == nil {
		return nil
	}
	var kept []runtime.Object
	for _, item := range n.items(list) {
		if n.keep(item) {
			kept = append(kept, item)
		}
	}
	return meta.SetList(list, kept)
}

func (n noun[T, L]) show(ctx context.Context, name string, f listFlags) error {
	obj, err := n.get(ctx, name)
	if err != nil {
		return err
	}
	if err := n.print(obj, f.format, true); err != nil || !f.watch {
		return err
	}
	c, err := n.in()
	if err != nil {
		return err
	}
	return n.follow(ctx, c, f, metav1.ListOptions{
		FieldSelector: "metadata.name=" + name, ResourceVersion: obj.GetResourceVersion(),
	})
}

func (n noun[T, L]) print(obj T, format string, header bool) error {
	if table(format) {
		return printTable(n.app.Out, n.columns, []T{obj}, format, header)
	}
	obj.SetManagedFields(nil)
	return printObject(n.app.Out, kube.Scheme(), obj, format)
}

// scope returns the client of the namespace, or of all of them.
func (n noun[T, L]) scope(f listFlags) (client[T, L], error) {
	clients, err := n.app.cluster()
	if err != nil {
		return nil, err
	}
	if f.all {
		return n.client(clients, metav1.NamespaceAll), nil
	}
	return n.client(clients, n.app.namespace), nil
}

// follow prints changes until ctx ends.
func (n noun[T, L]) follow(ctx context.Context, c client[T, L], f listFlags, opts metav1.ListOptions) error {
	w, err := c.Watch(ctx, opts)
	if err != nil {
		return fmt.Errorf("watch %ss: %w", n.name, err)
	}
	defer w.Stop()
	for event := range w.ResultChan() {
		obj, ok := event.Object.(T)
		if !ok && ctx.Err() != nil {
			return nil // the person has seen enough
		}
		if !ok {
			return fmt.Errorf("watch %ss: %w", n.name, apierrors.FromObject(event.Object))
		}
		if n.keep != nil && !n.keep(obj) {
			continue
		}
		if err := n.print(obj, f.format, false); err != nil {
			return err
		}
	}
	return nil
}

// deleteCommand returns "delete NAME…"; after runs for every object that was deleted.
func (n noun[T, L]) deleteCommand(before func(ctx context.Context, obj T, force bool) error) *cobra.Command {
	var (
		name          string
		force, ignore bool
	)
	cmd := &cobra.Command{
		Use: "delete NAME…", Aliases: []string{"rm"}, Short: "Delete by name", ValidArgsFunction: n.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			if name != "" {
				args = append(args, name)
			}
			if len(args) == 0 {
				return usagef("which %s? give its name, as an argument or by --name", n.name)
			}
			for _, name := range args {
				if err := n.delete(cmd.Context(), name, ignore, func(o T) error { return before(cmd.Context(), o, force) }); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "name")
	cmd.Flags().BoolVarP(&force, "force", "f", false, "delete even if it is in use")
	cmd.Flags().BoolVar(&ignore, "ignorenotfound", false, "succeed when there is nothing to delete")
	return cmd
}

func (n noun[T, L]) delete(ctx context.Context, name string, ignoreMissing bool, before func(T) error) error {
	c, err := n.in()
	if err != nil {
		return err
	}
	obj, err := c.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		if ignoreMissing {
			return nil
		}
		return n.notFound(ctx, c, name)
	}
	if err != nil {
		return err
	}
	if err := before(obj); err != nil {
		return err
	}
	uid := obj.GetUID()
	err = c.Delete(ctx, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete %s %s: %w", n.name, name, err)
	}
	_, err = fmt.Fprintf(n.app.Out, "%s %q deleted\n", n.name, name)
	return err
}

// update changes one object, again when somebody else changed it meanwhile, and says so.
func (n noun[T, L]) update(ctx context.Context, name string, change func(T) error) error {
	if _, err := n.change(ctx, name, change); err != nil {
		return err
	}
	_, err := fmt.Fprintf(n.app.Out, "%s %q updated\n", n.name, name)
	return err
}

// change is update without the message; it returns the object as the API server has it.
func (n noun[T, L]) change(ctx context.Context, name string, change func(T) error) (T, error) {
	for {
		obj, err := n.get(ctx, name)
		if err != nil {
			return obj, err
		}
		if err := change(obj); err != nil {
			return obj, err
		}
		c, err := n.in()
		if err != nil {
			return obj, err
		}
		out, err := c.Update(ctx, obj, metav1.UpdateOptions{})
		if !apierrors.IsConflict(err) {
			return out, err
		}
	}
}

// created explains why an object could not be created.
func created(err error, noun, name, updateCommand string) error {
	if apierrors.IsAlreadyExists(err) {
		return hint(fmt.Errorf("%s %q exists already", noun, name), updateCommand)
	}
	if apierrors.IsNotFound(err) && strings.Contains(err.Error(), "namespace") {
		return hint(err, "kubectl create namespace …")
	}
	return err
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"

	"hotpod.dev/spec"
)

func (a *app) specCommand() *cobra.Command {
	return group("spec", "Declare an application in files, and make the cluster follow them", []string{"specs"},
		a.specInit(), a.specValidate(), a.specApply(), a.specDestroy(), a.specList())
}

// specFlags are those of several spec commands, named as in Fission.
type specFlags struct {
	dir, ignore                              string
	force, commitLabel, conflicts            bool
	prune, wait, watch, dryRun, skipValidate bool
	validation                               string
	timeout                                  time.Duration
}

func (f *specFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.dir, "specdir", spec.Dir, "folder of the specs")
	cmd.Flags().StringVar(&f.ignore, "specignore", spec.IgnoreFile, "file in that folder with patterns of specs to leave out")
	_ = cmd.MarkFlagDirname("specdir") // it fails for a flag that is not there only
}

// forcing are the flags that put all objects into one namespace.
func (f *specFlags) forcing(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.force, "force-namespace", false, "put all objects into the namespace of -n, whatever the specs say")
	cmd.Flags().BoolVar(&f.force, "force", false, "same as --force-namespace")
}

func (a *app) specInit() *cobra.Command {
	var dir, name, id string
	cmd := &cobra.Command{
		Use: "init", Short: "Make a folder of specs for a new application", Args: noArgs,
		Example: "  hotpod spec init\n  hotpod env create nodejs --image fission/node-env --spec\n  hotpod spec apply --wait",
		RunE: func(*cobra.Command, []string) error {
			if name == "" {
				abs, err := filepath.Abs(dir)
				if err != nil {
					return fmt.Errorf("find the folder: %w", err)
				}
				name = filepath.Base(filepath.Dir(abs))
			}
			if id == "" {
				id = string(uuid.NewUUID())
			}
			if err := spec.Init(dir, spec.Config{Name: name, UID: id}); err != nil {
				return err
			}
			a.progress("application %s in %s; next: hotpod env create … --spec, hotpod function create … --spec, hotpod spec apply", name, dir)
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "specdir", spec.Dir, "folder to make")
	cmd.Flags().StringVar(&name, "name", "", "name of the application (default: the project folder's)")
	cmd.Flags().StringVar(&id, "deployid", "", "UID of the application; made up when missing")
	cmd.Flags().StringVar(&id, "id", "", "same as --deployid")
	return cmd
}

func (a *app) specValidate() *cobra.Command {
	var f specFlags
	cmd := &cobra.Command{
		Use: "validate", Short: "Check the specs without a cluster: syntax, fields, references, archives", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			app, err := a.readSpecs(cmd.Context(), &f, a.offlineNamespace())
			if err != nil {
				return err
			}
			for _, archive := range app.Archives {
				if _, err := archive.Files(app.Dir); err != nil {
					return err
				}
			}
			_, err = fmt.Fprintf(a.Out, "%d objects and %d archives are valid\n", len(app.Items), len(app.Archives))
			return err
		},
	}
	f.add(cmd)
	f.forcing(cmd)
	return cmd
}

// offlineNamespace is the one that can be known without a cluster.
func (a *app) offlineNamespace() string {
	if a.namespace != "" {
		return a.namespace
	}
	if ns := a.Getenv("FISSION_DEFAULT_NAMESPACE"); ns != "" {
		return ns
	}
	return metav1.NamespaceDefault
}

// readSpecs reads and checks the specs; warnings go to standard error.
func (a *app) readSpecs(ctx context.Context, f *specFlags, namespace string) (*spec.App, error) {
	o := spec.Options{Namespace: namespace, Force: f.force, Ignore: f.ignore}
	if f.commitLabel {
		commit, err := commitOf(ctx, f.dir)
		if err != nil {
			return nil, err
		}
		o.Labels = map[string]string{spec.LabelCommit: commit}
	}
	app, err := spec.Read(f.dir, o)
	if errors.Is(err, spec.ErrNoSpecs) {
		return nil, hint(err, "hotpod spec init")
	}
	if err != nil || f.skipValidate {
		return app, err
	}
	warnings, err := app.Check()
	for _, w := range warnings {
		a.progress("warning: %s", w)
	}
	return app, err
}

// commitOf returns the commit that is checked out where the specs are.
func commitOf(ctx context.Context, dir string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", "-C", dir, "rev-parse", "HEAD")
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("--commitlabel: %s is in no git repository with a commit: %w", dir, err)
	}
	return strings.TrimSpace(string(out)), nil
}

func (a *app) specList() *cobra.Command {
	var (
		f  specFlags
		id string
	)
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the objects of the application that are on the cluster", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			kinds, err := a.specKinds()
			if err != nil {
				return err
			}
			config := spec.Config{UID: id}
			namespaces := []string{a.namespace}
			if id == "" {
				app, err := a.readSpecs(cmd.Context(), &specFlags{dir: f.dir, ignore: f.ignore, skipValidate: true}, a.namespace)
				if err != nil {
					return err
				}
				config, namespaces = app.Config, namespacesOf(app, a.namespace)
			}
			live, err := a.liveObjects(cmd.Context(), kinds, namespaces)
			if err != nil {
				return err
			}
			return a.printOwned(live, config)
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&id, "deployid", "", "UID of the application (default: that of the specs)")
	cmd.Flags().StringVar(&id, "id", "", "same as --deployid")
	return cmd
}

// printOwned prints the application's objects, a table of each kind.
func (a *app) printOwned(live []spec.Object, c spec.Config) error {
	live = slices.DeleteFunc(live, func(o spec.Object) bool { return !spec.Owned(o, c) })
	if len(live) == 0 {
		a.progress("application %s has no objects on the cluster", c.UID)
		return nil
	}
	return errors.Join(
		printKind(a, live, a.environments().columns), printKind(a, live, a.packages().columns),
		printKind(a, live, a.functions().columns), printKind(a, live, a.routes().columns),
		printKind(a, live, a.timers().columns), printKind(a, live, a.watches().columns))
}

func printKind[T spec.Object](a *app, live []spec.Object, columns []column[T]) error {
	var rows []T
	for _, o := range live {
		if row, ok := o.(T); ok {
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	fmt.Fprintln(a.Out, strings.ToUpper(nounOf(spec.KeyOf(rows[0]).Kind))+"S")
	err := printTable(a.Out, columns, rows, "", true)
	fmt.Fprintln(a.Out)
	return err
}

// namespacesOf returns the namespaces of an app's objects, that of the user when there are none.
func namespacesOf(app *spec.App, own string) []string {
	var out []string
	for _, item := range app.Items {
		if ns := item.Object.GetNamespace(); !slices.Contains(out, ns) {
			out = append(out, ns)
		}
	}
	if len(out) == 0 {
		out = []string{own}
	}
	return out
}

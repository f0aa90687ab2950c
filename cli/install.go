package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	sigsyaml "sigs.k8s.io/yaml"

	"hotpod.dev/install"
	"hotpod.dev/kube"
	"hotpod.dev/wire"
)

// installManager is the field owner of what is installed.
const installManager = "hotpod-install"

// installation is one run of install, upgrade or uninstall.
type installation struct {
	app       *app
	objects   kube.Objects
	namespace string

	set, files             []string
	format                 string
	adminPart              bool
	namespaceOnly          bool
	dryRun, noWait, older  bool
	resetValues            bool
	keepData, definitions  bool
	yes                    bool
	timeout                time.Duration
	previous               *install.Inventory // nil when nothing was installed by this command
	values                 install.Values     // that were given, now and before
	changed, same, created map[string]int
}

func (a *app) installCommand() *cobra.Command {
	i := &installation{app: a}
	cmd := &cobra.Command{
		Use: "install", Short: "Install the platform into the cluster, or bring it to these values", Args: noArgs,
		Long: `Install the platform into the namespace -n (default $FISSION_NAMESPACE or fission). Values are those of the Helm chart; see
docs/install.md. It can be repeated: what is there already stays as it is. Without the rights of an administrator of the cluster
it installs the namespace's part and says what an administrator must apply.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			i.resetValues = true
			return i.run(cmd.Context())
		},
	}
	i.valueFlags(cmd)
	cmd.Flags().BoolVar(&i.adminPart, "admin-part", false, "only what needs an administrator of the cluster: definitions, cluster roles, admission policies")
	cmd.Flags().BoolVar(&i.namespaceOnly, "namespace-only", false, "leave out what needs an administrator of the cluster (default: when you are none)")
	return cmd
}

func (a *app) upgradeCommand() *cobra.Command {
	i := &installation{app: a}
	cmd := &cobra.Command{
		Use: "upgrade", Short: "Bring the platform to this command's version", Args: noArgs,
		Long: "Bring the platform to this command's version, with the values of its installation and those given now. Requests go on meanwhile.",
		RunE: func(cmd *cobra.Command, _ []string) error { return i.upgrade(cmd.Context()) },
	}
	i.valueFlags(cmd)
	cmd.Flags().BoolVar(&i.resetValues, "reset-values", false, "forget the values of the installation")
	cmd.Flags().BoolVar(&i.namespaceOnly, "namespace-only", false, "leave out what needs an administrator of the cluster (default: when you are none)")
	return cmd
}

func (i *installation) valueFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&i.set, "set", nil, "a value: NAME=VALUE[,…], {a,b} for a list")
	f.StringArrayVarP(&i.files, "values", "f", nil, "file of values in YAML; later ones win")
	f.StringVarP(&i.format, "output", "o", "", "print the objects and install nothing: yaml|json")
	f.BoolVar(&i.dryRun, "dry-run", false, "say what would be done; the API server checks it")
	f.BoolVar(&i.noWait, "no-wait", false, "do not wait until the parts are ready")
	f.BoolVar(&i.older, "force", false, "replace newer definitions by this command's older ones")
	f.DurationVar(&i.timeout, "timeout", 5*time.Minute, "longest time to wait until the parts are ready")
}

// platform is where the parts are or shall be: -n if the command takes it for that, FISSION_NAMESPACE or fission.
func (i *installation) platform(byFlag bool) string {
	if byFlag && i.app.namespace != "" {
		return i.app.namespace
	}
	return i.app.componentNamespace()
}

// given returns the values of the flags.
func (i *installation) given() (install.Values, error) {
	v := install.Values{}
	for _, name := range i.files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, usagef("--values: %v", err)
		}
		more, err := install.ParseValues(text)
		if err != nil {
			return nil, usagef("--values %s: %v", name, err)
		}
		v = v.Merge(more)
	}
	for _, s := range i.set {
		var err error
		if v, err = v.Set(s); err != nil {
			return nil, usagef("%v", err)
		}
	}
	if _, err := install.Render(v, i.namespace); err != nil {
		return nil, usageOf(err)
	}
	return v, nil
}

// run installs, or prints.
func (i *installation) run(ctx context.Context) error {
	i.namespace = i.platform(true)
	var err error
	if i.values, err = i.given(); err != nil {
		return err
	}
	if i.format != "" {
		return i.print()
	}
	if err := i.connect(ctx); err != nil {
		return err
	}
	return i.apply(ctx)
}

// upgrade is run with the values of before.
func (i *installation) upgrade(ctx context.Context) error {
	i.namespace = i.platform(true)
	var err error
	if i.values, err = i.given(); err != nil {
		return err
	}
	if err := i.connect(ctx); err != nil {
		return err
	}
	if i.previous == nil {
		there, err := i.objects.Get(ctx, kube.ObjectRef{APIVersion: "apps/v1", Kind: "Deployment", Namespace: i.namespace, Name: "router"})
		if apierrors.IsNotFound(err) {
			return &Error{Err: fmt.Errorf("nothing is installed in namespace %s", i.namespace), Code: ExitNotFound, Try: []string{"hotpod install -n " + i.namespace}}
		}
		if err == nil {
			i.app.progress("%s was not made by hotpod install: from now on it is kept by it", there.GetName())
		}
	} else if !i.resetValues {
		i.values = i.previous.Values.Merge(i.values)
	}
	if i.format != "" {
		return i.print()
	}
	return i.apply(ctx)
}

// connect finds the cluster, and what was installed there before.
func (i *installation) connect(ctx context.Context) error {
	clients, err := i.app.cluster()
	if err != nil {
		return err
	}
	i.objects = clients.Objects()
	if router, err := i.objects.Get(ctx, kube.ObjectRef{APIVersion: "apps/v1", Kind: "Deployment", Namespace: i.namespace, Name: "router"}); err == nil &&
		router.GetLabels()["app.kubernetes.io/managed-by"] == "Helm" {
		release := router.GetAnnotations()["meta.helm.sh/release-name"]
		return hint(fmt.Errorf("namespace %s has an installation of Helm, release %s", i.namespace, release),
			"helm upgrade "+release+" manifests/chart -n "+i.namespace, "helm uninstall "+release+" -n "+i.namespace)
	}
	found, err := i.objects.Get(ctx, kube.ObjectRef{APIVersion: "v1", Kind: "ConfigMap", Namespace: i.namespace, Name: install.InventoryName})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return explainInstall(err, "read what is installed in namespace "+i.namespace)
	}
	inventory, err := install.ReadInventory(found)
	if err != nil {
		return err
	}
	i.previous = &inventory
	return nil
}

// print writes the objects.
func (i *installation) print() error {
	objects, err := i.wanted()
	if err != nil {
		return err
	}
	switch i.format {
	case "yaml":
		for _, o := range objects {
			text, err := sigsyaml.Marshal(o.Object)
			if err != nil {
				return fmt.Errorf("write %s: %w", install.RefOf(o), err)
			}
			fmt.Fprintf(i.app.Out, "---\n%s", text)
		}
		return nil
	case "json":
		items := make([]any, len(objects))
		for n, o := range objects {
			items[n] = o.Object
		}
		e := json.NewEncoder(i.app.Out)
		e.SetIndent("", "  ")
		return e.Encode(map[string]any{"apiVersion": "v1", "kind": "List", "items": items})
	default:
		return usagef("-o %s is not known: use yaml or json", i.format)
	}
}

// wanted returns the objects that the flags ask for.
func (i *installation) wanted() ([]*unstructured.Unstructured, error) {
	all := i.values.Merge(install.Values{"namespaces": map[string]any{"create": true}})
	admin, own, err := install.AdminPart(all, i.namespace)
	if err != nil {
		return nil, usageOf(err)
	}
	switch {
	case i.adminPart:
		return admin, nil
	case i.namespaceOnly:
		return own, nil
	}
	objects := slices.Concat(admin, own)
	install.Sort(objects)
	return objects, nil
}

// usageOf says that values are wrong, with the exit code of wrong usage.
func usageOf(err error) error {
	return &Error{Err: err, Code: ExitUsage, Try: []string{"hotpod install --help   # docs/install.md lists the values"}}
}

// apply brings the cluster to what is wanted.
func (i *installation) apply(ctx context.Context) error {
	i.guessPlatform(ctx)
	if err := i.checkRights(ctx); err != nil {
		return err
	}
	objects, err := i.wanted()
	if err != nil {
		return err
	}
	if err := i.checkDefinitions(ctx, objects); err != nil {
		return err
	}
	version := wire.Version()
	if i.previous != nil {
		i.app.progress("version %s in namespace %s becomes %s", dash(i.previous.Version), i.namespace, version)
	} else {
		i.app.progress("installing version %s into namespace %s", version, i.namespace)
	}
	inventory := install.Inventory{Version: version, Values: i.values, Objects: install.Refs(objects)}
	if err := i.applyAll(ctx, objects, &inventory); err != nil {
		return err
	}
	if !i.dryRun && !i.noWait && !i.adminPart {
		if err := i.rollouts(ctx, objects); err != nil {
			return err
		}
	}
	if err := i.prune(ctx, &inventory); err != nil || i.dryRun {
		return err
	}
	_, err = fmt.Fprintf(i.app.Out, "installed in namespace %s: %s\n", i.namespace, i.counts())
	return err
}

func (i *installation) counts() string {
	total := func(m map[string]int) int {
		n := 0
		for v := range maps.Values(m) {
			n += v
		}
		return n
	}
	return fmt.Sprintf("%d objects new, %d changed, %d as they were", total(i.created), total(i.changed), total(i.same))
}

// guessPlatform takes a cluster that knows Routes for OpenShift, unless a value says what it is.
func (i *installation) guessPlatform(ctx context.Context) {
	if _, given := i.values["platform"]; given {
		return
	}
	if _, err := i.app.clients.Core().Get().AbsPath("/apis/security.openshift.io").DoRaw(ctx); err == nil {
		i.app.progress("this is OpenShift")
		i.values = i.values.Merge(install.Values{"platform": "OpenShift"})
	}
}

// checkDefinitions refuses to put older definitions in the place of newer ones.
func (i *installation) checkDefinitions(ctx context.Context, objects []*unstructured.Unstructured) error {
	var errs []error
	for _, o := range objects {
		if o.GetKind() != "CustomResourceDefinition" {
			continue
		}
		there, err := i.objects.Get(ctx, kube.ObjectRef(install.RefOf(o)))
		if err != nil {
			continue // it is new, or the next step says what is wrong
		}
		switch before, now := install.DefinitionsOf(there), install.DefinitionsOf(o); {
		case before > now:
			errs = append(errs, fmt.Errorf("definition %s has number %d, which is newer than this command's %d", o.GetName(), before, now))
		case there.GetLabels()["app.kubernetes.io/part-of"] != "hotpod":
			for _, fault := range install.Shrinks(there, o) {
				errs = append(errs, fmt.Errorf("definition %s is not Hotpod's, and would lose %s", o.GetName(), fault))
			}
		}
	}
	if len(errs) > 0 && !i.older {
		return hint(errors.Join(errs...), "use a newer hotpod", "hotpod install --force   # objects that use what is newer are not accepted any more")
	}
	return nil
}

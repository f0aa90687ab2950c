package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/spec"
)

// declareFlags turn a command that creates an object into one that writes it down.
type declareFlags struct {
	save, dry bool
}

func (d *declareFlags) add(f *pflag.FlagSet) {
	f.BoolVar(&d.save, "spec", false, "write it into ./"+spec.Dir+" instead of creating it")
	f.BoolVar(&d.dry, "dry", false, "print it as YAML instead of creating it")
}

// on reports whether the user wants no object now.
func (d *declareFlags) on() bool { return d.save || d.dry }

// declare writes objects and archives into a file of ./specs, or to standard output. Their namespace is the user's when
// the command line names one; else each cluster's own.
func (a *app) declare(d declareFlags, file string, declarations ...any) error {
	if d.dry {
		text, err := spec.Format(declarations...)
		if err != nil {
			return err
		}
		_, err = a.Out.Write(text)
		return err
	}
	err := spec.Save(spec.Dir, file, spec.Options{Namespace: a.offlineNamespace()}, declarations...)
	if errors.Is(err, spec.ErrNoSpecs) {
		return hint(err, "hotpod spec init")
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Out, "%s/%s written\n", spec.Dir, file)
	return err
}

// declareFunction writes down a function with its package, the archives of its code and the route of --url.
func (a *app) declareFunction(ctx context.Context, f *pflag.FlagSet, name string, o *functionFlags, route *routeFlags) error {
	if err := o.check(name); err != nil {
		return err
	}
	if l, known := languageOf(o.code.names()); o.env == "" && known {
		o.env = l.name
	}
	fn := &v1.Function{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: a.namespace}}
	fn.Spec.Environment.Name = o.env
	if err := o.apply(f, fn, true); err != nil {
		return err
	}
	var all []any
	fn.Spec.Package.PackageRef.Name = o.pkg
	if o.pkg == "" {
		made, err := a.declaredPackage(ctx, name, o.env, &o.code)
		if err != nil {
			return err
		}
		all = append(all, made...)
		fn.Spec.Package.PackageRef.Name = name
	}
	all = append(all, fn)
	if route.url != "" || route.prefix != "" {
		route.functions = []string{name}
		t, err := a.newRoute(name, route)
		if err != nil {
			return err
		}
		all = append(all, t)
	}
	return a.declare(o.declare, "function-"+name+".yaml", all...)
}

// declaredPackage returns a package and the archives that its code is made of.
func (a *app) declaredPackage(ctx context.Context, name, env string, code *codeFlags) ([]any, error) {
	layout, err := code.layout()
	if err != nil {
		return nil, err
	}
	if layout != "" {
		return nil, usagef("an OCI layout cannot be written down: push %s to a registry, or declare its files", layout)
	}
	pkg := &v1.Package{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: a.namespace}}
	pkg.Spec.Environment.Name = env
	rest := *code
	var all []any
	take := func(files *[]string, archive *v1.Archive, suffix string) {
		if len(*files) == 0 || len(*files) == 1 && isURL((*files)[0]) {
			return
		}
		all = append(all, spec.NewArchive(name+suffix, *files...))
		*archive = v1.Archive{Type: v1.ArchiveURL, URL: spec.ArchiveScheme + name + suffix}
		*files = nil
	}
	if len(rest.code) > 0 && len(rest.deploy) > 0 {
		return nil, usagef("give --code or --deployarchive, not both")
	}
	deployment, source := v1.Archive{}, v1.Archive{}
	take(&rest.code, &deployment, "")
	take(&rest.deploy, &deployment, "")
	take(&rest.source, &source, "-source")
	made, err := a.resolve(ctx, &rest)
	if err != nil {
		return nil, err
	}
	made.apply(&pkg.Spec)
	if deployment.URL != "" {
		pkg.Spec.Deployment = deployment
	}
	if source.URL != "" {
		pkg.Spec.Source = source
	}
	return append(all, pkg), nil
}

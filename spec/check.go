package spec

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "hotpod.dev/api/v1"
)

// check collects what is wrong with an app.
type check struct {
	app      *App
	items    map[Key]*Item
	archives map[string]*Archive
	used     map[any]bool // items and archives that something names
	faults   []error
	warnings []string
}

// Check returns what is doubtful, and every fault with its place: objects that are not valid, names given twice, references
// to what the specs do not hold, routes that exclude each other.
func (a *App) Check() (warnings []string, err error) {
	c := check{app: a, items: map[Key]*Item{}, archives: map[string]*Archive{}, used: map[any]bool{}}
	c.index()
	for _, item := range a.Items {
		c.valid(item)
		c.references(item)
	}
	c.routes()
	c.unused()
	return c.warnings, errors.Join(c.faults...)
}

func (c *check) faultf(at Location, format string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf("%s: %w", at, fmt.Errorf(format, args...)))
}

func (c *check) warnf(at Location, format string, args ...any) {
	c.warnings = append(c.warnings, at.String()+": "+fmt.Sprintf(format, args...))
}

func (c *check) index() {
	for _, item := range c.app.Items {
		if first := c.items[item.Key()]; first != nil {
			c.faultf(item.At(), "%s %s is declared twice: also at %s", item.Kind, item.Object.GetName(), first.At())
		}
		c.items[item.Key()] = item
	}
	for _, archive := range c.app.Archives {
		switch first := c.archives[archive.Name]; {
		case archive.Name == "":
			c.faultf(archive.At(), "an %s without name", kindArchive)
		case first != nil:
			c.faultf(archive.At(), "archive %s is declared twice: also at %s", archive.Name, first.At())
		case len(archive.Include) == 0:
			c.faultf(archive.At(), "archive %s includes nothing: list globs in include", archive.Name)
		}
		c.archives[archive.Name] = archive
	}
}

// valid adds the faults that the object has by itself.
func (c *check) valid(item *Item) {
	faults := []error{item.Object.Validate()}
	if list, ok := faults[0].(interface{ Unwrap() []error }); ok {
		faults = list.Unwrap()
	}
	for _, fault := range faults {
		if field, ok := errors.AsType[*v1.FieldError](fault); ok {
			c.faultf(item.doc.locate(field.Field), "%s %s: %w", item.Kind, item.Object.GetName(), field)
		} else if fault != nil {
			c.faultf(item.At(), "%s %s: %w", item.Kind, item.Object.GetName(), fault)
		}
	}
}

// references checks what an object names.
func (c *check) references(item *Item) {
	switch o := item.Object.(type) {
	case *v1.Package:
		c.environment(item, o.Spec.Environment, "spec.environment.name")
		c.archive(item, "source", o.Spec.Source.URL)
		c.archive(item, "deployment", o.Spec.Deployment.URL)
		if o.Spec.Source.Empty() && o.Spec.Deployment.Empty() {
			c.faultf(item.At(), "package %s has no code: neither source nor deployment", o.Name)
		}
	case *v1.Function:
		if o.Executor() == v1.ExecutorContainer {
			return
		}
		c.environment(item, o.Spec.Environment, "spec.environment.name")
		c.pkg(item, o)
	case *v1.TimeTrigger:
		c.function(item, o.Spec.FunctionReference.Name, "spec.functionref.name")
	case *v1.KubernetesWatchTrigger:
		c.function(item, o.Spec.FunctionReference.Name, "spec.functionref.name")
	case *v1.HTTPTrigger:
		ref := o.Spec.FunctionReference
		if ref.Type == v1.ReferenceName && ref.Name != "" {
			c.function(item, ref.Name, "spec.functionref.name")
		}
		for name := range ref.FunctionWeights {
			c.function(item, name, "spec.functionref.functionweights."+name)
		}
	}
}

// environment warns of an environment that the specs do not hold: those are often shared.
func (c *check) environment(item *Item, ref v1.EnvironmentReference, field string) {
	if ref.Name == "" {
		return
	}
	at := item.doc.locate(field)
	if ref.Namespace != item.Object.GetNamespace() {
		c.faultf(at, "%s %s names an environment of namespace %s: it must be in the same, %s", item.Kind, item.Object.GetName(),
			ref.Namespace, item.Object.GetNamespace())
		return
	}
	env := c.items[Key{KindEnvironment, ref.Namespace, ref.Name}]
	if env == nil {
		c.warnf(at, "%s %s names environment %s, which is not in the specs", item.Kind, item.Object.GetName(), ref.Name)
		return
	}
	c.used[env] = true
}

func (c *check) archive(item *Item, which, url string) {
	name, ok := strings.CutPrefix(url, ArchiveScheme)
	if !ok {
		return
	}
	archive := c.archives[name]
	if archive == nil {
		c.faultf(item.doc.locate("spec."+which+".url"), "package %s names %s archive %s, which is not in the specs", item.Object.GetName(), which, name)
		return
	}
	c.used[archive] = true
}

func (c *check) pkg(item *Item, fn *v1.Function) {
	ref := fn.Spec.Package.PackageRef
	at := item.doc.locate("spec.package.packageref.name")
	if ref.Name == "" {
		c.faultf(at, "function %s has no package: spec.package.packageref.name", fn.Name)
		return
	}
	if ref.Namespace != fn.Namespace {
		c.faultf(at, "function %s names a package of namespace %s: it must be in the same, %s", fn.Name, ref.Namespace, fn.Namespace)
		return
	}
	pkg := c.items[Key{KindPackage, ref.Namespace, ref.Name}]
	if pkg == nil {
		c.faultf(at, "function %s names package %s, which is not in the specs", fn.Name, ref.Name)
		return
	}
	c.used[pkg] = true
	if p, ok := pkg.Object.(*v1.Package); ok && p.Spec.Environment.Name != fn.Spec.Environment.Name {
		c.faultf(item.doc.locate("spec.environment.name"), "function %s is for environment %q, its package %s for %q", fn.Name,
			fn.Spec.Environment.Name, p.Name, p.Spec.Environment.Name)
	}
}

func (c *check) function(item *Item, name, field string) {
	fn := c.items[Key{KindFunction, item.Object.GetNamespace(), name}]
	if name == "" {
		return // not valid by itself
	}
	if fn == nil {
		c.faultf(item.doc.locate(field), "%s %s calls function %s, which is not in the specs", caller(item.Kind), item.Object.GetName(), name)
		return
	}
	c.used[fn] = true
}

// routes finds pairs of routes that answer the same requests.
func (c *check) routes() {
	seen := map[string]*Item{}
	for _, item := range c.app.Of(KindHTTPTrigger) {
		t, ok := item.Object.(*v1.HTTPTrigger)
		if !ok {
			continue
		}
		for _, method := range routeMethods(t) {
			key := method + " " + t.Spec.Host + routePath(t)
			if first := seen[key]; first != nil {
				c.faultf(item.At(), "route %s and route %s (at %s) both answer %s", t.Name, first.Object.GetName(), first.At(), key)
				break
			}
			seen[key] = item
		}
	}
}

func routePath(t *v1.HTTPTrigger) string {
	if t.Spec.Prefix != nil && *t.Spec.Prefix != "" {
		return *t.Spec.Prefix + " (prefix)"
	}
	return t.Spec.RelativeURL
}

func routeMethods(t *v1.HTTPTrigger) []string {
	methods := slices.Clone(t.Spec.Methods)
	if t.Spec.Method != "" && !slices.Contains(methods, t.Spec.Method) {
		methods = append(methods, t.Spec.Method)
	}
	if len(methods) == 0 {
		methods = []string{"GET"}
	}
	return methods
}

// unused reports what nothing names: packages may be for others, archives may not.
func (c *check) unused() {
	for _, archive := range c.app.Archives {
		if !c.used[archive] {
			c.faultf(archive.At(), "archive %s is not used by any package", archive.Name)
		}
	}
	for _, item := range c.app.Of(KindPackage) {
		if !c.used[item] {
			c.warnf(item.At(), "package %s is not used by any function", item.Object.GetName())
		}
	}
}

// caller is what people call a kind that calls functions.
func caller(kind string) string {
	switch kind {
	case KindTimeTrigger:
		return "time trigger"
	case KindWatchTrigger:
		return "watch trigger"
	default:
		return "route"
	}
}

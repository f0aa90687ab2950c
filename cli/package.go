package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
	"hotpod.dev/sign"
	storeclient "hotpod.dev/storage/client"
)

func (a *app) packages() noun[*v1.Package, *v1.PackageList] {
	return noun[*v1.Package, *v1.PackageList]{
		app: a, name: "package", command: "hotpod package",
		client: func(c *kube.Clients, ns string) client[*v1.Package, *v1.PackageList] { return c.Packages(ns) },
		items:  func(l *v1.PackageList) []*v1.Package { return pointers(l.Items) },
		columns: []column[*v1.Package]{
			{"NAME", false, func(p *v1.Package) string { return p.Name }},
			{"BUILD_STATUS", false, func(p *v1.Package) string { return dash(p.Status.BuildStatus) }},
			{"ENV", false, func(p *v1.Package) string { return p.Spec.Environment.Name }},
			{"ARCHIVE", false, archiveKind},
			{"READY", false, func(p *v1.Package) string { return ready(p.Status.Conditions) }},
			{"NAMESPACE", false, func(p *v1.Package) string { return p.Namespace }},
			{"AGE", false, func(p *v1.Package) string { return age(p.CreationTimestamp, a.now()) }},
		},
	}
}

func archiveKind(p *v1.Package) string {
	a := p.Spec.Deployment
	switch {
	case a.OCI != nil:
		return a.OCI.Image
	case a.URL != "":
		return a.URL
	case len(a.Literal) > 0:
		return fmt.Sprintf("literal, %d bytes", len(a.Literal))
	case !p.Spec.Source.Empty():
		return "source"
	default:
		return "-"
	}
}

func (a *app) packageCommand() *cobra.Command {
	n := a.packages()
	return group("package", "Create and manage packages: the code of functions", []string{"pkg"},
		a.packageCreate(), a.packageUpdate(), a.packageRebuild(), a.packageInfo(), n.getCommand(), a.packageList(), n.waitCommand(),
		a.packageDelete(), a.packageCode("getdeploy", "deployment"), a.packageCode("getsrc", "source"))
}

func (a *app) packageCreate() *cobra.Command {
	var (
		name, env string
		code      codeFlags
		declare   declareFlags
		noWait    bool
	)
	cmd := &cobra.Command{
		Use: "create NAME --env ENV --deployarchive FILES", Short: "Create a package, and build it when it is a source",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && name == "" {
				name = "pkg-" + randomSuffix()
			}
			name, err := nameFrom("package", args, name)
			if err != nil {
				return err
			}
			if env == "" {
				return usagef("package %s needs an environment: --env NAME", name)
			}
			if !code.given() {
				return usagef("package %s needs code: --code FILE, --deployarchive FILES or --sourcearchive FILES", name)
			}
			if declare.on() {
				made, err := a.declaredPackage(cmd.Context(), name, env, &code)
				if err != nil {
					return err
				}
				return a.declare(declare, "package-"+name+".yaml", made...)
			}
			p, err := a.createPackage(cmd.Context(), name, env, &code, nil)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(a.Out, "package %q created\n", name); err != nil {
				return err
			}
			_, err = a.built(cmd.Context(), p, noWait)
			return err
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "name; made up when missing")
	cmd.Flags().StringVar(&env, "env", "", "environment")
	cmd.Flags().BoolVar(&noWait, "no-wait", false, "do not wait until a source is built")
	code.add(cmd)
	declare.add(cmd.Flags())
	return cmd
}

// createPackage creates a package and returns it as the API server has it.
func (a *app) createPackage(ctx context.Context, name, env string, flags *codeFlags, owner *metav1.OwnerReference) (*v1.Package, error) {
	if err := checkName("package", name); err != nil {
		return nil, err
	}
	code, err := a.resolve(ctx, flags)
	if err != nil {
		return nil, err
	}
	pkg := &v1.Package{ObjectMeta: metav1.ObjectMeta{Name: name}}
	code.apply(&pkg.Spec)
	c, err := a.packages().in()
	if err != nil {
		return nil, err
	}
	pkg.Namespace = a.namespace
	pkg.Spec.Environment = v1.EnvironmentReference{Namespace: a.namespace, Name: env}
	if owner != nil {
		pkg.OwnerReferences = []metav1.OwnerReference{*owner}
	}
	out, err := c.Create(ctx, pkg, metav1.CreateOptions{})
	if err != nil {
		return nil, created(err, "package", name, "hotpod package update "+name)
	}
	return out, nil
}

func (a *app) packageUpdate() *cobra.Command {
	var (
		name, env string
		flags     codeFlags
		noWait    bool
	)
	n := a.packages()
	cmd := &cobra.Command{
		Use: "update NAME", Short: "Change a package; functions that use it load the new code", ValidArgsFunction: n.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom("package", args, name)
			if err != nil {
				return err
			}
			code, err := a.resolve(cmd.Context(), &flags)
			if err != nil {
				return err
			}
			p, err := n.change(cmd.Context(), name, func(p *v1.Package) error {
				if env != "" {
					p.Spec.Environment.Name = env
				}
				code.apply(&p.Spec)
				return nil
			})
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(a.Out, "package %q updated\n", name); err != nil {
				return err
			}
			_, err = a.changedSource(cmd.Context(), p, code, noWait)
			return err
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "name")
	cmd.Flags().StringVar(&env, "env", "", "environment")
	cmd.Flags().BoolVar(&noWait, "no-wait", false, "do not wait until a source is built")
	flags.add(cmd)
	return cmd
}

func (a *app) packageInfo() *cobra.Command {
	var name string
	n := a.packages()
	cmd := &cobra.Command{
		Use: "info NAME", Short: "Show a package's build status and log", ValidArgsFunction: n.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom("package", args, name)
			if err != nil {
				return err
			}
			p, err := n.get(cmd.Context(), name)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.Out, "Name:        %s\nEnvironment: %s\nStatus:      %s\nReady:       %s\nArchive:     %s\nBuild Logs:\n%s\n",
				p.Name, p.Spec.Environment.Name, dash(p.Status.BuildStatus), ready(p.Status.Conditions), archiveKind(p), p.Status.BuildLog)
			return err
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "name")
	return cmd
}

// packageCode returns a command that writes an archive to a file or to standard output.
func (a *app) packageCode(verb, which string) *cobra.Command {
	var name, output string
	n := a.packages()
	cmd := &cobra.Command{
		Use: verb + " NAME", Short: "Write a package's " + which + " archive", ValidArgsFunction: n.completeNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := nameFrom("package", args, name)
			if err != nil {
				return err
			}
			p, err := n.get(cmd.Context(), name)
			if err != nil {
				return err
			}
			archive := p.Spec.Deployment
			if which == "source" {
				archive = p.Spec.Source
			}
			return a.writeArchive(cmd.Context(), name, which, &archive, output)
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "name")
	cmd.Flags().StringVarP(&output, "output", "o", "", "file to write; standard output when missing")
	return cmd
}

func (a *app) writeArchive(ctx context.Context, name, which string, archive *v1.Archive, output string) error {
	switch {
	case a.stored(archive):
		return a.withStore(ctx, func(c *storeclient.Client) error { return a.fetch(ctx, c, sign.ArchiveID(archive.URL), output) })
	case archive.URL != "":
		return hint(fmt.Errorf("the %s archive of package %s is at a URL", which, name), "curl -L "+archive.URL)
	case len(archive.Literal) == 0:
		return &Error{Err: fmt.Errorf("package %s has no %s archive", name, which), Code: ExitNotFound}
	case output == "":
		_, err := a.Out.Write(archive.Literal)
		return err
	default:
		if err := os.WriteFile(output, archive.Literal, 0o600); err != nil {
			return fmt.Errorf("write archive: %w", err)
		}
		return nil
	}
}

// refuseUsedPackage keeps a package that functions still name.
func (a *app) refuseUsedPackage(ctx context.Context, p *v1.Package, force bool) error {
	if force {
		return nil
	}
	list, err := a.clients.Functions(p.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("look for functions of the package: %w", err)
	}
	for i := range list.Items {
		if f := &list.Items[i]; f.PackageKey() == p.Namespace+"/"+p.Name {
			return hint(fmt.Errorf("package %s is used by function %s", p.Name, f.Name),
				"hotpod function delete "+f.Name, "hotpod package delete "+p.Name+" --force")
		}
	}
	return nil
}

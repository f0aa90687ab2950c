package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	v1 "hotpod.dev/api/v1"
)

// packageList is "list" with Fission's filters.
func (a *app) packageList() *cobra.Command {
	var (
		orphan bool
		status string
		used   sets.Set[string]
	)
	n := a.packages()
	n.keep = func(p *v1.Package) bool {
		return (!orphan || !used.Has(p.Namespace+"/"+p.Name)) && (status == "" || p.Status.BuildStatus == status)
	}
	cmd := n.listCommand()
	cmd.Flags().BoolVar(&orphan, "orphan", false, "only packages that no function uses")
	cmd.Flags().StringVar(&status, "status", "", "only packages of this build status: pending, running, succeeded, failed, none")
	list := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if orphan {
			var err error
			if used, err = a.usedPackages(cmd.Context()); err != nil {
				return err
			}
		}
		return list(cmd, args)
	}
	return cmd
}

// usedPackages returns "namespace/name" of all packages that functions name; of the chosen namespace where a user may not
// look into all.
func (a *app) usedPackages(ctx context.Context) (sets.Set[string], error) {
	clients, err := a.cluster()
	if err != nil {
		return nil, err
	}
	list, err := clients.Functions(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		if list, err = clients.Functions(a.namespace).List(ctx, metav1.ListOptions{}); err != nil {
			return nil, fmt.Errorf("look for functions of the packages: %w", err)
		}
	}
	used := sets.New[string]()
	for i := range list.Items {
		used.Insert(list.Items[i].PackageKey())
	}
	return used, nil
}

// packageDelete is "delete" that can also delete all packages that no function uses.
func (a *app) packageDelete() *cobra.Command {
	n := a.packages()
	orphan := false
	cmd := n.deleteCommand(a.refuseUsedPackage)
	cmd.Flags().BoolVar(&orphan, "orphan", false, "delete all packages that no function uses")
	byName := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !orphan {
			return byName(cmd, args)
		}
		if len(args) > 0 {
			return usagef("give names or --orphan, not both")
		}
		return a.deleteOrphans(cmd.Context())
	}
	return cmd
}

func (a *app) deleteOrphans(ctx context.Context) error {
	used, err := a.usedPackages(ctx)
	if err != nil {
		return err
	}
	n := a.packages()
	c, err := n.in()
	if err != nil {
		return err
	}
	list, err := c.List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list packages: %w", err)
	}
	for _, p := range n.items(list) {
		if used.Has(p.Namespace + "/" + p.Name) {
			continue
		}
		if err := n.delete(ctx, p.Name, true, func(p *v1.Package) error { return a.refuseUsedPackage(ctx, p, false) }); err != nil {
			return err
		}
	}
	return nil
}

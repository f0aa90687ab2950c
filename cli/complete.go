package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	v1 "hotpod.dev/api/v1"
)

// completeNames offers the names of existing objects to the shell.
func (n noun[T, L]) completeNames(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	c, err := n.in()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	list, err := c.List(cmd.Context(), metav1.ListOptions{})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	taken := sets.New(args...)
	var names []string
	for _, item := range n.items(list) {
		if name := item.GetName(); strings.HasPrefix(name, prefix) && !taken.Has(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeNamespaces offers the namespaces that there are.
func (a *app) completeNamespaces(cmd *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if _, err := a.cluster(); err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	list, err := a.clients.Namespaces().List(cmd.Context(), metav1.ListOptions{})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for i := range list.Items {
		if strings.HasPrefix(list.Items[i].Name, prefix) {
			names = append(names, list.Items[i].Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeFlags offers, for every flag of the commands that takes an object's name, the names that there are, and the
// formats of --output.
func (a *app) completeFlags(root *cobra.Command) {
	byFlag := map[string]cobra.CompletionFunc{
		"env": a.environments().completeNames, "pkg": a.packages().completeNames, "function": a.functions().completeNames,
		"executortype": cobra.FixedCompletions([]string{v1.ExecutorPool, v1.ExecutorNewDeploy}, cobra.ShellCompDirectiveNoFileComp),
		"pkgname":      a.packages().completeNames,
		"for":          cobra.FixedCompletions([]string{"condition=Ready", "condition=Ready=False", "condition=BuildSucceeded"}, cobra.ShellCompDirectiveNoFileComp),
		"method":       cobra.FixedCompletions([]string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}, cobra.ShellCompDirectiveNoFileComp),
		"output":       cobra.FixedCompletions(strings.Split(strings.TrimSuffix(formats, "TEMPLATE"), "|"), cobra.ShellCompDirectiveNoFileComp),
	}
	for _, cmd := range root.Commands() {
		a.completeFlags(cmd)
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			complete := byFlag[f.Name]
			if f.Name == "name" {
				complete = cmd.ValidArgsFunction
			}
			if complete != nil {
				_ = cmd.RegisterFlagCompletionFunc(f.Name, complete) // it fails for a flag that is not there only
			}
		})
	}
}

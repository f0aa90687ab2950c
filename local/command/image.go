package command

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"hotpod.dev/local/images"
	"hotpod.dev/local/platform"
)

func image(env Env, folder folderFunc) *cobra.Command {
	cmd := &cobra.Command{Use: "image", Short: "Say which folder an image name means on this machine"}
	registry := func() (*images.Registry, error) {
		dir, err := folder()
		return images.NewRegistry(platform.Layout(dir).Images()), err
	}
	cmd.AddCommand(imageList(env, registry), imageAdd(registry), imageRemove(registry))
	return cmd
}

type registryFunc func() (*images.Registry, error)

func imageAdd(registry registryFunc) *cobra.Command {
	return &cobra.Command{
		Use:   "add NAME DIR",
		Short: "Make the folder, which needs an image.yaml, known by the name; a running platform knows it at once",
		Args:  cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := registry()
			if err != nil {
				return err
			}
			return r.Add(args[0], args[1])
		},
	}
}

func imageRemove(registry registryFunc) *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME",
		Short: "Forget an added image",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := registry()
			if err != nil {
				return err
			}
			return r.Remove(args[0])
		},
	}
}

func imageList(env Env, registry registryFunc) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the known images: those of the checkout and those that were added",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := registry()
			if err != nil {
				return err
			}
			known := images.Resolver{Added: r}
			// Without a checkout there is nothing but what was added.
			if assets, err := findAssets(env.Getenv("HOTPOD_ASSETS"), env.Program); err == nil {
				known.Environments = environments(assets)
			}
			folders, unreadable := known.Folders()
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tFOLDER")
			for _, name := range slices.Sorted(maps.Keys(folders)) {
				fmt.Fprintf(w, "%s\t%s\n", name, folders[name])
			}
			return errors.Join(w.Flush(), unreadable)
		},
	}
}

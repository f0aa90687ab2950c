package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/sign"
	storeclient "hotpod.dev/storage/client"
)

func (a *app) archiveCommand() *cobra.Command {
	return group("archive", "Archives in the archive store: code that is too large for a package", []string{"ar", "archives"},
		a.archiveUpload(), a.archiveList(), a.archiveDelete(), a.archiveURL(), a.archiveDownload())
}

// withStore calls do with the archive store's client.
func (a *app) withStore(ctx context.Context, do func(*storeclient.Client) error) error {
	c, stop, err := a.store(ctx)
	if err != nil {
		return err
	}
	defer stop()
	return do(c)
}

func (a *app) archiveUpload() *cobra.Command {
	var names []string
	cmd := &cobra.Command{
		Use: "upload FILES", Short: "Upload a file, or files and folders as a zip; prints the archive's ID",
		Long: "Upload a file, or files and folders as a zip, and print the archive's ID.\n\n" +
			"An archive that no package names is deleted after a while. An upload that breaks off goes on when the command is repeated.",
		RunE: func(cmd *cobra.Command, args []string) error {
			names := append(slices.Clone(names), args...)
			if len(names) == 0 {
				return usagef("which file? give its name, as an argument or by --name")
			}
			files, err := expand(names)
			if err != nil {
				return err
			}
			p, err := a.pack(names, files, false)
			if err != nil {
				return err
			}
			defer p.close()
			if p.size == 0 {
				return usagef("%s is empty", strings.Join(names, ", "))
			}
			archive, err := a.uploaded(cmd.Context(), p, strings.Join(names, ", "))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.Out, archive.Checksum.Sum)
			return err
		},
	}
	cmd.Flags().StringSliceVar(&names, "name", nil, "file to upload")
	return cmd
}

// archiveRow is an archive and the packages that name it.
type archiveRow struct{ id, packages string }

func (a *app) archiveList() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "list", Short: "List archives and the packages that name them", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "" && format != "name" {
				return usagef("-o %s: archives are no objects; -o name prints their IDs only", format)
			}
			return a.withStore(cmd.Context(), func(c *storeclient.Client) error {
				ids, err := c.List(cmd.Context())
				if err != nil {
					return err
				}
				users, err := a.archiveUsers(cmd.Context())
				if err != nil {
					return err
				}
				return a.printArchives(ids, users, format)
			})
		},
	}
	cmd.Flags().StringVarP(&format, "output", "o", "", "output format: name")
	return cmd
}

func (a *app) printArchives(ids []string, users map[string][]string, format string) error {
	slices.Sort(ids)
	rows := make([]archiveRow, len(ids))
	for i, id := range ids {
		rows[i] = archiveRow{id, strings.Join(users[id], ",")}
	}
	columns := []column[archiveRow]{
		{"ID", false, func(r archiveRow) string { return r.id }},
		{"PACKAGES", false, func(r archiveRow) string { return dash(r.packages) }},
	}
	if format == "name" {
		return printTable(a.Out, columns[:1], rows, "", false)
	}
	return printTable(a.Out, columns, rows, "", true)
}

// archiveUsers returns the packages of all namespaces that name each archive; where the user may not see those, the
// packages of the namespace.
func (a *app) archiveUsers(ctx context.Context) (map[string][]string, error) {
	list, err := a.clients.Packages(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		if list, err = a.clients.Packages(a.namespace).List(ctx, metav1.ListOptions{}); err != nil {
			return nil, fmt.Errorf("list packages: %w", err)
		}
	}
	users := map[string][]string{}
	for i := range list.Items {
		p := &list.Items[i]
		for _, archive := range []*v1.Archive{&p.Spec.Deployment, &p.Spec.Source} {
			if id := sign.ArchiveID(archive.URL); id != "" {
				users[id] = append(users[id], p.Namespace+"/"+p.Name)
			}
		}
	}
	return users, nil
}

func (a *app) archiveDelete() *cobra.Command {
	var id string
	var force bool
	cmd := &cobra.Command{
		Use: "delete ID", Short: "Delete an archive that no package names",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := nameFrom("archive", args, id)
			if err != nil {
				return err
			}
			return a.withStore(cmd.Context(), func(c *storeclient.Client) error {
				if !force {
					users, err := a.archiveUsers(cmd.Context())
					if err != nil {
						return err
					}
					if len(users[id]) > 0 {
						return hint(fmt.Errorf("archive %s is named by package %s", id, users[id][0]), "hotpod archive delete --force "+id)
					}
				}
				if err := missing(c.Delete(cmd.Context(), id), id); err != nil {
					return err
				}
				_, err := fmt.Fprintf(a.Out, "archive %q deleted\n", id)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&id, "id", "", "ID of the archive")
	cmd.Flags().BoolVarP(&force, "force", "f", false, "delete it even if packages name it")
	return cmd
}

// missing says which archive was not found.
func missing(err error, id string) error {
	if storeclient.NotFound(err) {
		return &Error{Err: fmt.Errorf("there is no archive %s", id), Try: []string{"hotpod archive list"}, Code: ExitNotFound}
	}
	return err
}

func (a *app) archiveURL() *cobra.Command {
	var id string
	cmd := &cobra.Command{
		Use: "get-url ID", Short: "Print the URL by which packages name an archive",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := nameFrom("archive", args, id)
			if err != nil {
				return err
			}
			return a.withStore(cmd.Context(), func(c *storeclient.Client) error {
				if _, err := c.Stat(cmd.Context(), id); err != nil {
					return missing(err, id)
				}
				name, err := a.storeName(cmd.Context())
				if err != nil {
					return err
				}
				urls := sign.Archives{Service: name}
				_, err = fmt.Fprintln(a.Out, urls.Name(id))
				return err
			})
		},
	}
	cmd.Flags().StringVar(&id, "id", "", "ID of the archive")
	return cmd
}

func (a *app) archiveDownload() *cobra.Command {
	var id, output string
	cmd := &cobra.Command{
		Use: "download ID", Short: "Write an archive to a file or to standard output",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := nameFrom("archive", args, id)
			if err != nil {
				return err
			}
			return a.withStore(cmd.Context(), func(c *storeclient.Client) error {
				return a.fetch(cmd.Context(), c, id, output)
			})
		},
	}
	cmd.Flags().StringVar(&id, "id", "", "ID of the archive")
	cmd.Flags().StringVarP(&output, "output", "o", "", "file to write; standard output when missing")
	return cmd
}

// fetch writes an archive to a file, which appears only when it is complete, or to standard output.
func (a *app) fetch(ctx context.Context, c *storeclient.Client, id, output string) error {
	download := func(w io.Writer) error {
		var show func(int64)
		return missing(c.Download(ctx, id, w, func(done, total int64) {
			if show == nil {
				show = a.showing("downloading", total)
			}
			show(done)
		}), id)
	}
	if output == "" {
		return download(a.Out)
	}
	f, err := os.CreateTemp(filepath.Dir(output), ".hotpod-*")
	if err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	defer os.Remove(f.Name())
	if err = download(f); err != nil {
		return errors.Join(err, f.Close())
	}
	if err = errors.Join(f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), output)
	}
	if err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	return nil
}

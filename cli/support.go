package cli

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
	"hotpod.dev/wire"
)

const (
	// dumpLines bounds the log of each container in a dump.
	dumpLines = 5000
	// dumpBytes bounds it in size.
	dumpBytes = 8 << 20
)

func (a *app) supportCommand() *cobra.Command {
	var (
		dir   string
		plain bool
	)
	dump := &cobra.Command{
		Use: "dump", Short: "Collect objects, pods, logs and versions for a report; Secrets, code and values of variables are left out", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := a.cluster(); err != nil {
				return err
			}
			d, err := a.newDump(dir, plain)
			if err != nil {
				return err
			}
			d.collect(cmd.Context())
			if err := d.close(); err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.Out, d.path)
			return err
		},
	}
	dump.Flags().StringVarP(&dir, "output", "o", "fission-dump", "folder to write into")
	dump.Flags().BoolVar(&plain, "nozip", false, "write single files instead of a zip archive")
	return group("support", "Help others to help you", nil, dump)
}

// dump is a report that is being written: a zip archive or a folder.
type dump struct {
	app    *app
	path   string
	file   *os.File    // nil for a folder
	zip    *zip.Writer // nil for a folder
	faults []error
}

func (a *app) newDump(dir string, plain bool) (*dump, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make the folder: %w", err)
	}
	d := &dump{app: a, path: filepath.Join(dir, "hotpod-dump-"+a.now().UTC().Format("20060102-150405"))}
	if plain {
		return d, nil
	}
	d.path += ".zip"
	var err error
	if d.file, err = os.OpenFile(d.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err != nil {
		return nil, fmt.Errorf("make the archive: %w", err)
	}
	d.zip = zip.NewWriter(d.file)
	return d, nil
}

func (d *dump) close() error {
	if len(d.faults) > 0 {
		text := errors.Join(d.faults...).Error()
		d.write("missing.txt", strings.NewReader(text+"\n"))
		d.app.progress("not everything could be read (see missing.txt): %s", firstLine(text))
	}
	if d.zip == nil {
		return nil
	}
	return errors.Join(d.zip.Close(), d.file.Close())
}

// write adds a file. What cannot be had is listed in the dump, which is worth the more when something is broken.
func (d *dump) write(name string, content io.Reader) {
	w, err := d.create(name)
	if err == nil {
		_, err = io.Copy(w, content)
		err = errors.Join(err, w.Close())
	}
	if err != nil {
		d.faults = append(d.faults, fmt.Errorf("%s: %w", name, err))
	}
}

func (d *dump) create(name string) (io.WriteCloser, error) {
	if d.zip != nil {
		w, err := d.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: d.app.now()})
		return nopCloser{w}, err
	}
	path := filepath.Join(d.path, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
}

type nopCloser struct{ io.Writer }

// Close implements io.Closer.
func (nopCloser) Close() error { return nil }

// objects writes a list as YAML.
func (d *dump) objects(name string, list runtime.Object, err error) {
	var text bytes.Buffer
	if err == nil {
		err = withoutHistory(list)
	}
	if err == nil {
		err = printObject(&text, kube.Scheme(), list, "yaml")
	}
	if err != nil {
		d.faults = append(d.faults, fmt.Errorf("%s: %w", name, err))
		return
	}
	d.write(name, &text)
}

func (d *dump) collect(ctx context.Context) {
	c := d.app.clients
	v := versions{Client: clientVersion{Version: wire.Version()}}
	v.Server, _ = d.app.serverVersion(ctx)
	var text bytes.Buffer
	_ = v.print(&text, "yaml") // into memory
	if kubernetes, err := c.Core().Get().AbsPath("/version").DoRaw(ctx); err == nil {
		fmt.Fprintf(&text, "kubernetes: %s\n", kubernetes)
	}
	d.write("version.yaml", &text)

	environments, err := c.Environments("").List(ctx, metav1.ListOptions{})
	if err == nil {
		withoutSettings(environments)
	}
	d.objects("objects/environments.yaml", environments, err)
	packages, err := c.Packages("").List(ctx, metav1.ListOptions{})
	if err == nil {
		withoutCode(packages)
	}
	d.objects("objects/packages.yaml", packages, err)
	functions, err := c.Functions("").List(ctx, metav1.ListOptions{})
	if err == nil {
		withoutValues(functions)
	}
	d.objects("objects/functions.yaml", functions, err)
	routes, err := c.HTTPTriggers("").List(ctx, metav1.ListOptions{})
	d.objects("objects/httptriggers.yaml", routes, err)

	platform := d.app.platformNamespace()
	d.pods(ctx, "platform", platform, labelComponent)
	services, err := c.Services(platform).List(ctx, metav1.ListOptions{LabelSelector: labelComponent})
	d.objects("platform/services.yaml", services, err)
	d.pods(ctx, "functions", metav1.NamespaceAll, wire.LabelEnvironmentUID)
	events, err := c.Events("").List(ctx, metav1.ListOptions{Limit: 5000})
	d.objects("events.yaml", events, err)
}

// withoutHistory leaves out who wrote what, and the copy that kubectl keeps of all that was applied.
func withoutHistory(list runtime.Object) error {
	return meta.EachListItem(list, func(item runtime.Object) error {
		o, err := meta.Accessor(item)
		if err != nil {
			return err
		}
		o.SetManagedFields(nil)
		annotations := o.GetAnnotations()
		delete(annotations, corev1.LastAppliedConfigAnnotation)
		o.SetAnnotations(annotations)
		return nil
	})
}

// withoutCode leaves out what packages hold.
func withoutCode(list *v1.PackageList) {
	for i := range list.Items {
		for _, a := range []*v1.Archive{&list.Items[i].Spec.Source, &list.Items[i].Spec.Deployment} {
			if len(a.Literal) > 0 {
				a.Literal = fmt.Appendf(nil, "%d bytes left out", len(a.Literal))
			}
		}
	}
}

const leftOut = "(left out)"

// withoutValues leaves out the values of variables: users put secrets there.
func withoutValues(list *v1.FunctionList) {
	for i := range list.Items {
		s := &list.Items[i].Spec
		hideValues(s.Env)
		if s.PodSpec != nil {
			s.PodSpec = &runtime.RawExtension{Raw: []byte(`{"note":"` + leftOut + `"}`)}
		}
	}
}

// withoutSettings leaves out what environments set in their containers.
func withoutSettings(list *v1.EnvironmentList) {
	for i := range list.Items {
		s := &list.Items[i].Spec
		for _, raw := range []**runtime.RawExtension{&s.Runtime.Container, &s.Runtime.PodSpec, &s.Builder.Container, &s.Builder.PodSpec} {
			if *raw != nil {
				*raw = &runtime.RawExtension{Raw: []byte(`{"note":"` + leftOut + `"}`)}
			}
		}
	}
}

func hideValues(env []corev1.EnvVar) {
	for i := range env {
		if env[i].Value != "" {
			env[i].Value = leftOut
		}
	}
}

// pods writes the pods of a label with the ends of their logs.
func (d *dump) pods(ctx context.Context, folder, namespace, selector string) {
	list, err := d.app.clients.Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		d.objects(folder+"/pods.yaml", nil, err)
		return
	}
	for i := range list.Items {
		p := &list.Items[i]
		for _, containers := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
			for j := range containers {
				hideValues(containers[j].Env)
			}
		}
		for _, s := range p.Status.ContainerStatuses {
			d.log(ctx, folder, p, s.Name, false)
			if s.RestartCount > 0 {
				d.log(ctx, folder, p, s.Name, true)
			}
		}
	}
	d.objects(folder+"/pods.yaml", list, nil)
}

func (d *dump) log(ctx context.Context, folder string, p *corev1.Pod, container string, previous bool) {
	name := fmt.Sprintf("%s/logs/%s/%s/%s.log", folder, p.Namespace, p.Name, container)
	if previous {
		name = strings.TrimSuffix(name, ".log") + ".previous.log"
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	lines, limit := int64(dumpLines), int64(dumpBytes)
	stream, err := d.app.clients.PodLogs(ctx, p.Namespace, p.Name, &corev1.PodLogOptions{
		Container: container, Previous: previous, TailLines: &lines, LimitBytes: &limit, Timestamps: true,
	})
	if err != nil {
		d.faults = append(d.faults, fmt.Errorf("%s: %w", name, err))
		return
	}
	defer stream.Close()
	d.write(name, stream)
}

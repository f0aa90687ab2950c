// Command chart makes the Helm chart in manifests/chart from the manifests, and the table of its values in docs/install.md:
//
//	go generate ./manifests/chart        (needs kubectl)
//
// The objects are those of "kubectl kustomize"; edits.go says what is replaced in them by values. _helpers.tpl, expose.yaml,
// Chart.yaml and NOTES.txt are written by hand.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"go.yaml.in/yaml/v3"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("chart", flag.ContinueOnError)
	source := flags.String("source", ".", "root of the checkout")
	out := flags.String("out", "", "folder to write to, as if it were the root of the checkout (default the checkout)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *out == "" {
		*out = *source
	}
	c := &chart{files: map[string]*strings.Builder{}}
	objects, err := render(ctx, filepath.Join(*source, "manifests", "kubernetes"))
	if err != nil {
		return err
	}
	for _, o := range objects {
		if err := c.add(o); err != nil {
			return err
		}
	}
	if objects, err = render(ctx, filepath.Join(*source, "manifests", "monitoring", "operator")); err != nil {
		return err
	}
	for _, o := range objects {
		if err := c.monitoring(o); err != nil {
			return err
		}
	}
	if err := c.save(filepath.Join(*out, "manifests", "chart")); err != nil {
		return err
	}
	return document(filepath.Join(*source, "docs", "install.md"), filepath.Join(*out, "docs", "install.md"))
}

// monitoring adds an object that Prometheus is let in or told by.
func (c *chart) monitoring(o *yaml.Node) error {
	kind := text(o, "kind")
	if kind == "NetworkPolicy" {
		values := get(o, "spec", "ingress", 0, "from", 0, "namespaceSelector", "matchExpressions", 0, "values")
		if values == nil {
			return errors.New("the policy of monitoring names no namespaces")
		}
		*values = *scalar(c.name(`{{ include "hotpod.prometheus" $ }}`))
	}
	if kind == "PrometheusRule" {
		c.after(get(o, "metadata"), "labels", "{{- if eq $.Values.monitoring.variant \"OpenShift\" }}\n  openshift.io/prometheus-rule-evaluation-scope: leaf-prometheus\n{{- end }}")
	}
	c.namespaces(o)
	if kind == "NetworkPolicy" {
		return c.write("monitoring", `if ne $.Values.monitoring.variant "None"`, o)
	}
	return c.write("monitoring", `if or (eq $.Values.monitoring.variant "Operator") (eq $.Values.monitoring.variant "OpenShift")`, o)
}

// render returns the objects of a kustomization.
func render(ctx context.Context, dir string) ([]*yaml.Node, error) {
	out, err := exec.CommandContext(ctx, "kubectl", "kustomize", dir).Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return nil, fmt.Errorf("render %s: %w", dir, err)
	}
	var objects []*yaml.Node
	for d := yaml.NewDecoder(bytes.NewReader(out)); ; {
		var n yaml.Node
		if err := d.Decode(&n); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, fmt.Errorf("read what %s renders to: %w", dir, err)
		}
		objects = append(objects, n.Content[0])
	}
}

// save writes the files of the chart.
func (c *chart) save(dir string) error {
	templates := filepath.Join(dir, "templates")
	if err := os.MkdirAll(templates, 0o755); err != nil {
		return fmt.Errorf("make the folder of the chart: %w", err)
	}
	const generated = "{{- /* Made by go generate ./manifests/chart. */ -}}\n"
	wide := map[string]string{"definitions": "", "policies": "", "namespaces": "", "rights": "", "functions": "", "tenants": "range $tenant := $.Values.namespaces.tenants"}
	for name, b := range c.files {
		body := b.String()
		if loop, ok := wide[name]; ok {
			if loop != "" {
				body = "{{- " + loop + " }}\n" + body + "{{- end }}\n"
			}
			body = "{{- if $.Values.clusterWide }}\n" + body + "{{- end }}\n"
		}
		if err := os.WriteFile(filepath.Join(templates, name+".yaml"), []byte(generated+body), 0o644); err != nil {
			return fmt.Errorf("write the chart: %w", err)
		}
	}
	all := c.values()
	schema, err := schemaOf(all)
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"values.yaml": yamlOf(all), "values.schema.json": schema} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return fmt.Errorf("write the chart: %w", err)
		}
	}
	return nil
}

// values are all values, those of the parts last.
func (c *chart) values() []value {
	all := values()
	for _, p := range c.parts {
		all = append(all,
			value{path: "parts." + p.name + ".replicas", kind: "integer", def: p.replicas, doc: replicasDoc(p.name)},
			value{path: "parts." + p.name + ".resources", kind: "object", def: p.resources, doc: "requests and limits of " + p.name})
	}
	return all
}

func replicasDoc(name string) string {
	switch name {
	case "storagesvc":
		return "replicas of storagesvc; more than one only with archives.store S3"
	case "logger":
		return "replicas of logger; more than one would store lines twice"
	default:
		return "replicas of " + name
	}
}

package main

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The namespaces that the manifests name, and what stands for them in the chart.
const (
	platform, platformExpr   = "fission", "{{ $.Release.Namespace }}"
	functions, functionsExpr = "fission-function", "{{ $.Values.namespaces.functions }}"
	tenant, tenantExpr       = "default", "{{ $tenant }}"
)

// clusterKinds have no namespace; only administrators install them.
func clusterKinds() []string {
	return []string{
		"Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding",
		"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
	}
}

// part is what the values say of one part.
type part struct {
	name      string
	replicas  int
	resources any
}

// chart is made of the objects.
type chart struct {
	marks
	files map[string]*strings.Builder
	parts []part
}

// add edits an object and adds it to the file that it belongs in.
func (c *chart) add(o *yaml.Node) error {
	kind, ns := text(o, "kind"), text(o, "metadata", "namespace")
	switch kind {
	case "CustomResourceDefinition":
		c.after(get(o, "metadata"), "annotations", "  helm.sh/resource-policy: keep")
		return c.write("definitions", "", o)
	case "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding":
		return c.write("policies", "", o)
	case "Deployment":
		if err := c.deployment(o); err != nil {
			return err
		}
	case "PersistentVolumeClaim":
		c.claim(o)
	case "Service":
		c.service(o)
	}
	c.namespaces(o)
	switch {
	case kind == "Namespace" && text(o, "metadata", "name") != functions && ns == "" && c.isPlatform(o):
		return c.write("namespaces", "if $.Values.namespaces.create", o)
	case kind == "Namespace":
		return c.write("namespaces", "", o)
	case slices.Contains(clusterKinds(), kind):
		return c.write("rights", "", o)
	case ns == tenant:
		return c.write("tenants", "", o)
	case ns == functions:
		return c.write("functions", "", o)
	default:
		return c.write("parts", c.condition(kind, text(o, "metadata", "labels", "hotpod.dev/component"), o), o)
	}
}

// isPlatform reports whether a Namespace is the platform's own, whose name is a mark already.
func (c *chart) isPlatform(o *yaml.Node) bool {
	return c.stands(text(o, "metadata", "name")) == platformExpr
}

// stands returns what a mark stands for.
func (c *chart) stands(mark string) string {
	for i, t := range c.texts {
		if mark == fmt.Sprintf("MARK%04dX", i) {
			return t
		}
	}
	return mark
}

// condition says when an object of the platform's namespace is there at all.
func (c *chart) condition(kind, component string, o *yaml.Node) string {
	switch kind {
	case "PersistentVolumeClaim":
		return "if " + onVolume(text(o, "metadata", "name"))
	case "PodDisruptionBudget":
		return "if gt (int $.Values.parts." + component + ".replicas) 1"
	default:
		return ""
	}
}

// onVolume is true when the part keeps its data on a volume.
func onVolume(name string) string {
	if name == "logger" {
		return `eq $.Values.logs.database "SQLite"`
	}
	return `eq $.Values.archives.store "Volume"`
}

// valuesOf returns where the values of the volume of a part are.
func valuesOf(name string) string {
	if name == "logger" {
		return "$.Values.logs"
	}
	return "$.Values.archives"
}

// namespaces replaces the names of namespaces, wherever they are.
func (c *chart) namespaces(o *yaml.Node) {
	exact := map[string]string{platform: platformExpr, functions: functionsExpr}
	walk(o, "", func(key string, n *yaml.Node) {
		switch {
		case exact[n.Value] != "":
			*n = *scalar(c.name(exact[n.Value]))
		case key == "namespace" && n.Value == tenant:
			*n = *scalar(c.name(tenantExpr))
		case key == "args" && strings.Contains(n.Value, "://") && strings.Contains(n.Value, "."+platform):
			n.Value = strings.ReplaceAll(n.Value, "."+platform, "."+c.name(platformExpr))
		case key == "args" && strings.HasSuffix(n.Value, "="+functions):
			n.Value = strings.TrimSuffix(n.Value, functions) + c.name(functionsExpr)
		}
	})
}

func (c *chart) claim(o *yaml.Node) {
	values := valuesOf(text(o, "metadata", "name"))
	c.set(o, "{{ "+values+".size }}", "spec", "resources", "requests", "storage")
	c.after(get(o, "spec"), "accessModes", "{{- with "+values+".class }}\nstorageClassName: {{ . }}\n{{- end }}")
}

func (c *chart) service(o *yaml.Node) {
	if text(o, "metadata", "name") != "router" {
		return
	}
	c.after(get(o, "metadata"), "name", `{{- with include "hotpod.service.annotations" $ }}{{ . | nindent 2 }}{{- end }}`)
	c.after(get(o, "spec"), "ports", `{{- with include "hotpod.service.type" $ }}{{ . | nindent 2 }}{{- end }}`)
	c.after(get(o, "spec", "ports", 0), "name", "{{- if eq $.Values.expose.type \"NodePort\" }}\nnodePort: {{ $.Values.expose.nodePort }}\n{{- end }}")
}

// write adds the object to a file, under a condition if there is one.
func (c *chart) write(file, condition string, o *yaml.Node) error {
	body, err := c.text(o)
	if err != nil {
		return err
	}
	b := c.files[file]
	if b == nil {
		b = &strings.Builder{}
		c.files[file] = b
	}
	if condition != "" {
		fmt.Fprintf(b, "{{- %s }}\n", condition)
	}
	b.WriteString("---\n" + body)
	if condition != "" {
		b.WriteString("{{- end }}\n")
	}
	return nil
}

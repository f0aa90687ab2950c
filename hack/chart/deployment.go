package main

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// deployment makes what values choose of a part: replicas, images, resources, volumes, where it runs.
func (c *chart) deployment(o *yaml.Node) error {
	p := part{name: text(o, "metadata", "name")}
	var err error
	if p.replicas, err = strconv.Atoi(text(o, "spec", "replicas")); err != nil {
		return fmt.Errorf("replicas of %s: %w", p.name, err)
	}
	pod := get(o, "spec", "template", "spec")
	if err := get(pod, "containers", 0, "resources").Decode(&p.resources); err != nil {
		return fmt.Errorf("resources of %s: %w", p.name, err)
	}
	c.parts = append(c.parts, p)
	values := "$.Values.parts." + p.name
	c.set(o, "{{ "+values+".replicas }}", "spec", "replicas")
	c.set(pod, "{{- toYaml "+values+".resources | nindent 12 }}", "containers", 0, "resources")
	c.after(get(pod, "containers", 0), "env", "{{- with $.Values.env }}\n{{- toYaml . | nindent 12 }}\n{{- end }}")
	for _, list := range []string{"initContainers", "containers"} {
		for i := 0; get(pod, list, i) != nil; i++ {
			c.container(get(pod, list, i))
		}
	}
	c.after(pod, "containers", `{{- with include "hotpod.pod" $ }}{{ . | nindent 6 }}{{- end }}`)
	if get(pod, "securityContext", "fsGroup") != nil {
		c.around(get(pod, "securityContext"), "fsGroup", `{{- if eq $.Values.platform "Kubernetes" }}`, "{{- end }}")
	}
	c.kept(o, p.name)
	return nil
}

// container replaces the images of a container, and those that it puts into functions' pods.
func (c *chart) container(n *yaml.Node) {
	image := func(n *yaml.Node) {
		if name, ok := strings.CutPrefix(n.Value, "hotpod/"); ok {
			*n = *scalar(c.name(fmt.Sprintf("{{ include \"hotpod.image\" (list $ %q) }}", name)))
		}
	}
	image(get(n, "image"))
	for i := 0; get(n, "env", i) != nil; i++ {
		if v := get(n, "env", i, "value"); v != nil {
			image(v)
		}
	}
	c.after(n, "image", "{{- with $.Values.images.pullPolicy }}\nimagePullPolicy: {{ . }}\n{{- end }}")
}

// kept makes what values choose of the two parts that keep data.
func (c *chart) kept(o *yaml.Node, name string) {
	pod := get(o, "spec", "template", "spec")
	for i := 0; get(pod, "volumes", i) != nil; i++ {
		if volume := get(pod, "volumes", i); get(volume, "persistentVolumeClaim") != nil {
			c.around(volume, "persistentVolumeClaim", "{{- if "+onVolume(name)+" }}", "{{- else }}\nemptyDir: {}\n{{- end }}")
		}
	}
	flag := func(prefix, value string) {
		for i := 0; get(pod, "containers", 0, "args", i) != nil; i++ {
			if n := get(pod, "containers", 0, "args", i); strings.HasPrefix(n.Value, prefix) {
				n.Value = prefix + c.name("{{ "+value+" }}")
			}
		}
	}
	switch name {
	case "storagesvc":
		c.after(get(pod, "containers", 0), "env", "{{- if eq $.Values.archives.store \"S3\" }}\n{{- include \"hotpod.s3\" $ | nindent 12 }}\n{{- end }}")
		flag("--max-bytes=", "int64 $.Values.archives.maxBytes")
		c.set(o, "{{ if "+onVolume(name)+" }}Recreate{{ else }}RollingUpdate{{ end }}", "spec", "strategy", "type")
	case "logger":
		flag("--keep-bytes=", "int64 $.Values.logs.maxBytes")
		flag("--keep-age=", "$.Values.logs.keep")
		walk(get(pod, "containers", 0, "env"), "", func(_ string, n *yaml.Node) {
			if n.Value == "hotpod-logger" {
				*n = *scalar(c.name("{{ $.Values.logs.secret }}"))
			}
		})
	}
}

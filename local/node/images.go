package node

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// standardPath ends every container's PATH.
const standardPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// resolvedImage is an image together with the installed programs that it requires.
type resolvedImage struct {
	Image
	// path is the PATH of its containers.
	path string
	// dirs are the host's directories that its containers need to see.
	dirs []string
	// inside is where its containers find the image's folder; "" where they have no root of their own.
	inside string
}

// imagesDir holds the images' folders inside a pod. At their places on the host a volume may cover them, as one at
// /tmp does.
const imagesDir = "/images/"

// moved makes the image find its own files inside a pod.
func (r *resolvedImage) moved() {
	sum := sha256.Sum256([]byte(r.Dir))
	r.inside = imagesDir + filepath.Base(r.Dir) + "-" + hex.EncodeToString(sum[:3])
	r.WorkDir = r.rebased(r.WorkDir)
	r.Command = slices.Clone(r.Command)
	for i, word := range r.Command {
		r.Command[i] = r.rebased(word)
	}
	r.Env = maps.Clone(r.Env)
	for name, value := range r.Env {
		list := strings.Split(value, ":") // PATH and its like
		for i := range list {
			list[i] = r.rebased(list[i])
		}
		r.Env[name] = strings.Join(list, ":")
	}
}

// rebased returns path as it is inside the pod, when it is one of the image's folder.
func (r *resolvedImage) rebased(path string) string {
	if rest, ok := strings.CutPrefix(path, r.Dir); ok && (rest == "" || rest[0] == '/') {
		return r.inside + rest
	}
	return path
}

// resolve finds an image and what it requires.
func (h *host) resolve(ctx context.Context, name string) (resolvedImage, error) {
	image, err := h.images.Resolve(name)
	if err != nil {
		return resolvedImage{}, err
	}
	resolved := resolvedImage{Image: image}
	var bins []string
	for i, program := range slices.Concat(image.Requires, image.Optional) {
		tool, err := h.tools.locate(ctx, program)
		if err != nil && i >= len(image.Requires) {
			continue
		}
		if err != nil {
			return resolvedImage{}, fmt.Errorf("image %s: %w", name, err)
		}
		if !slices.Contains(bins, tool.bin) {
			bins = append(bins, tool.bin)
		}
		resolved.dirs = append(resolved.dirs, tool.dirs...)
	}
	if image.Dir != "" && !h.plain {
		resolved.moved()
	}
	resolved.path = resolved.Env["PATH"]
	if resolved.path == "" {
		resolved.path = strings.Join(append(bins, standardPath), ":")
	}
	return resolved, nil
}

// allContainers returns a pod's containers in the order in which they begin.
func allContainers(pod *corev1.Pod) []*corev1.Container {
	all := make([]*corev1.Container, 0, len(pod.Spec.InitContainers)+len(pod.Spec.Containers))
	for i := range pod.Spec.InitContainers {
		all = append(all, &pod.Spec.InitContainers[i])
	}
	for i := range pod.Spec.Containers {
		all = append(all, &pod.Spec.Containers[i])
	}
	return all
}

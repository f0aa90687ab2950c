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

	"hotpod.dev/local/node/podinit"
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
	// binds are what they see of the host besides, where they have a root of their own.
	binds []podinit.Bind
}

// imagesDir holds the images' folders inside a pod. At their places on the host a volume may cover them, as one at
// /tmp does.
const imagesDir = "/images/"

// cacheDir is where a pod sees its image's cache.
const cacheDir = "/var/cache/hotpod-image"

// insideOf is where a pod finds a folder of the host.
func insideOf(dir string) string {
	sum := sha256.Sum256([]byte(dir))
	return imagesDir + filepath.Base(dir) + "-" + hex.EncodeToString(sum[:3])
}

// addFolders makes the pod see the image's further folders, and returns those for its PATH.
func (r *resolvedImage) addFolders(plain bool) []string {
	var paths []string
	for _, dir := range r.Path {
		switch {
		case plain:
			paths = append(paths, dir)
			continue
		case dir != r.Dir:
			r.binds = append(r.binds, podinit.Bind{Source: dir, Target: insideOf(dir), After: true})
		}
		paths = append(paths, insideOf(dir))
	}
	if r.Cache == "" {
		return paths
	}
	r.Env = maps.Clone(r.Env)
	if r.Env == nil {
		r.Env = map[string]string{}
	}
	if r.Env[CacheVariable] = r.Cache; !plain {
		r.Env[CacheVariable] = cacheDir
		r.binds = append(r.binds, podinit.Bind{Source: r.Cache, Target: cacheDir, Writable: true, After: true})
	}
	return paths
}

// moved makes the image find its own files inside a pod.
func (r *resolvedImage) moved() {
	r.inside = insideOf(r.Dir)
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
	bins = append(resolved.addFolders(h.plain), bins...)
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

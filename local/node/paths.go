package node

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"hotpod.dev/local/node/podinit"
)

// terminationDir is where containers' last words are kept, among the volumes.
const terminationDir = ".termination"

// podPaths are the places of one pod on the host.
type podPaths struct {
	dir string
}

func (p podPaths) root() string    { return filepath.Join(p.dir, "root") }
func (p podPaths) volumes() string { return filepath.Join(p.dir, "volumes") }

func (p podPaths) volume(name string) string { return filepath.Join(p.volumes(), name) }

func (p podPaths) termination(container string) string {
	return filepath.Join(p.volumes(), terminationDir, container)
}

// mountsOf returns what a container's file system has of the pod's volumes, in
// the order in which it has to be mounted.
func mountsOf(pod *corev1.Pod, c *corev1.Container, lookup func(string) (string, bool)) ([]podinit.Mount, error) {
	mounts := []podinit.Mount{{
		Source: path.Join(podinit.VolumesDir, terminationDir, c.Name),
		Target: terminationPath(c),
	}}
	for _, m := range c.VolumeMounts {
		v := volumeNamed(pod, m.Name)
		if v == nil {
			return nil, fmt.Errorf("container %s mounts volume %q, which the pod does not have", c.Name, m.Name)
		}
		sub := m.SubPath
		if m.SubPathExpr != "" {
			sub = expand(m.SubPathExpr, lookup)
		}
		if sub != "" && !filepath.IsLocal(sub) {
			return nil, fmt.Errorf("container %s mounts subPath %q, which leaves the volume", c.Name, sub)
		}
		mounts = append(mounts, podinit.Mount{
			Source: path.Join(podinit.VolumesDir, m.Name, sub), Target: path.Clean(m.MountPath),
			ReadOnly: m.ReadOnly || dynamic(v),
		})
	}
	slices.SortStableFunc(mounts, func(a, b podinit.Mount) int { return strings.Compare(a.Target, b.Target) })
	return mounts, nil
}

func terminationPath(c *corev1.Container) string {
	if c.TerminationMessagePath == "" {
		return corev1.TerminationMessagePathDefault
	}
	return path.Clean(c.TerminationMessagePath)
}

func volumeNamed(pod *corev1.Pod, name string) *corev1.Volume {
	for i := range pod.Spec.Volumes {
		if pod.Spec.Volumes[i].Name == name {
			return &pod.Spec.Volumes[i]
		}
	}
	return nil
}

// pointsOf returns the mount points of all containers. Whether one is a file is
// seen at the source, which exists already when that matters.
func pointsOf(mounts []podinit.Mount, paths podPaths) []podinit.Point {
	points := make([]podinit.Point, 0, len(mounts))
	for _, m := range mounts {
		source := filepath.Join(paths.volumes(), strings.TrimPrefix(m.Source, podinit.VolumesDir))
		info, err := os.Stat(source)
		points = append(points, podinit.Point{Path: m.Target, File: err == nil && !info.IsDir()})
	}
	return points
}

// relocate replaces mount paths at the beginning of words by the host's paths:
// without a mount namespace this is how a program finds its volumes.
func relocate(text string, mounts []podinit.Mount, paths podPaths) string {
	for _, m := range slices.Backward(mounts) {
		host := filepath.Join(paths.volumes(), strings.TrimPrefix(m.Source, podinit.VolumesDir))
		text = replacePath(text, m.Target, host)
	}
	return text
}

// replacePath replaces a path and what is below it, wherever a path can begin.
func replacePath(text, from, to string) string {
	var out strings.Builder
	for {
		i := strings.Index(text, from)
		if i < 0 {
			out.WriteString(text)
			return out.String()
		}
		end := i + len(from)
		begins := i == 0 || !inName(text[i-1]) && text[i-1] != '/'
		ends := end == len(text) || !inName(text[end])
		out.WriteString(text[:i])
		if begins && ends {
			out.WriteString(to)
		} else {
			out.WriteString(from)
		}
		text = text[end:]
	}
}

// inName says that a character can be part of a file's name, as they usually are.
func inName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("._-", c) >= 0
}

// volumeVariables tells a program without a mount namespace where its volumes are.
func volumeVariables(mounts []podinit.Mount, paths podPaths) map[string]string {
	variables := map[string]string{}
	for _, m := range mounts {
		relative := strings.TrimPrefix(strings.TrimPrefix(m.Source, podinit.VolumesDir), "/")
		name, _, _ := strings.Cut(relative, "/")
		if name == terminationDir {
			continue
		}
		host := filepath.Join(paths.volumes(), relative)
		variables["HOTPOD_MOUNT_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))] = host
		if m.Target == "/userfunc" {
			variables["USERFUNCVOL"] = host
		}
	}
	return variables
}

package node

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"hotpod.dev/local/node/podinit"
)

// rootInput is what a pod's root is made of.
type rootInput struct {
	pod    *corev1.Pod
	images map[string]resolvedImage
	mounts []podinit.Mount
	paths  podPaths
	hide   []string
	addr   netip.Addr
}

// rootOf describes the pod's root: the host's programs and libraries read-only,
// a few directories of its own, and nothing else of the host.
func rootOf(in rootInput) podinit.Root {
	root := podinit.Root{
		Dir: in.paths.root(), Volumes: in.paths.volumes(), Hostname: hostname(in.pod),
		Links: map[string]string{}, Cover: in.hide, Tmpfs: map[string]string{},
		Points: pointsOf(in.mounts, in.paths),
		Files:  map[string]string{"/etc/hosts": hostsFile(in.pod, in.addr), "/etc/hostname": hostname(in.pod) + "\n"},
	}
	for _, dir := range append(systemDirs(), "/etc") {
		if target, err := os.Readlink(dir); err == nil {
			root.Links[dir] = target
		} else if _, err := os.Stat(dir); err == nil {
			root.Binds = append(root.Binds, podinit.Bind{Source: dir, Target: dir})
		}
	}
	// NixOS has its programs there.
	root.Binds = append(root.Binds, podinit.Bind{Source: "/run/current-system", Target: "/run/current-system", Optional: true})
	for _, image := range in.images {
		for _, dir := range image.dirs {
			root.Binds = append(root.Binds, podinit.Bind{Source: dir, Target: dir, After: true})
		}
		root.Binds = append(root.Binds, image.binds...)
		if image.inside != "" {
			root.Binds = append(root.Binds, podinit.Bind{Source: image.Dir, Target: image.inside, After: true})
		}
	}
	for i := range in.pod.Spec.Volumes {
		addVolume(&root, &in.pod.Spec.Volumes[i])
	}
	return root
}

// addVolume adds the volumes that are mounts of their own.
func addVolume(root *podinit.Root, v *corev1.Volume) {
	switch {
	case v.EmptyDir != nil && v.EmptyDir.Medium == corev1.StorageMediumMemory:
		options := "mode=0777"
		if v.EmptyDir.SizeLimit != nil {
			options += fmt.Sprintf(",size=%d", v.EmptyDir.SizeLimit.Value())
		}
		root.Tmpfs[v.Name] = options
	case v.HostPath != nil:
		source, err := filepath.EvalSymlinks(v.HostPath.Path)
		if err != nil {
			source = v.HostPath.Path
		}
		root.Binds = append(root.Binds, podinit.Bind{
			Source: source, Target: podinit.VolumesDir + "/" + v.Name, Writable: true,
		})
	}
}

// hostsFile is the pod's /etc/hosts.
func hostsFile(pod *corev1.Pod, addr netip.Addr) string {
	var text strings.Builder
	text.WriteString("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n")
	name := hostname(pod)
	if pod.Spec.Subdomain != "" {
		name = fmt.Sprintf("%s.%s.%s.svc %s", name, pod.Spec.Subdomain, pod.Namespace, name)
	}
	if addr.IsValid() {
		fmt.Fprintf(&text, "%s\t%s\n", addr, name)
	}
	for _, alias := range pod.Spec.HostAliases {
		fmt.Fprintf(&text, "%s\t%s\n", alias.IP, strings.Join(alias.Hostnames, " "))
	}
	return text.String()
}

// userOf returns the user and group that the caller is inside the pod. The kernel
// lets a user map only itself, so every container of a pod is the same one.
func userOf(pod *corev1.Pod) (uid, gid int) {
	uid, gid = os.Getuid(), os.Getgid()
	asked, group, nonRoot := askedUser(pod)
	switch {
	case asked != nil:
		uid = int(*asked)
	case nonRoot && uid == 0:
		uid = nobodyElse
	}
	if group != nil {
		gid = int(*group)
	}
	return uid, gid
}

// nobodyElse is the user of containers that must not be root when the owner is.
const nobodyElse = 65532

func askedUser(pod *corev1.Pod) (uid, gid *int64, nonRoot bool) {
	if s := pod.Spec.SecurityContext; s != nil {
		uid, gid = s.RunAsUser, s.RunAsGroup
		nonRoot = s.RunAsNonRoot != nil && *s.RunAsNonRoot
	}
	for _, c := range allContainers(pod) {
		s := c.SecurityContext
		if s == nil {
			continue
		}
		if uid == nil {
			uid = s.RunAsUser
		}
		if gid == nil {
			gid = s.RunAsGroup
		}
		nonRoot = nonRoot || (s.RunAsNonRoot != nil && *s.RunAsNonRoot)
	}
	return uid, gid, nonRoot
}

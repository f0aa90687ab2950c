package pool

import (
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// checkPodSpec returns everything that CheckPodSpec does, and what would take a place of the environment pod's own.
func checkPodSpec(spec *corev1.PodSpec) error {
	faults := []error{CheckPodSpec(spec)}
	for _, v := range spec.Volumes {
		if slices.ContainsFunc(volumes(), func(m mounted) bool { return m.volume.Name == v.Name }) {
			faults = append(faults, fmt.Errorf("volume %q: the name is the platform's; use another", v.Name))
		}
	}
	return errors.Join(faults...)
}

// CheckPodSpec returns everything in a user's pod spec that would let function code out of its pod, or that
// belongs to the platform.
func CheckPodSpec(spec *corev1.PodSpec) error {
	var faults []error
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format+" is not allowed", args...))
		}
	}
	refuse(spec.HostNetwork, "podspec.hostNetwork")
	refuse(spec.HostPID, "podspec.hostPID")
	refuse(spec.HostIPC, "podspec.hostIPC")
	refuse(spec.HostUsers != nil && *spec.HostUsers, "podspec.hostUsers: true")
	refuse(spec.ServiceAccountName != "" || spec.DeprecatedServiceAccount != "", "podspec.serviceAccountName (function code gets no credentials)")
	refuse(spec.AutomountServiceAccountToken != nil && *spec.AutomountServiceAccountToken, "podspec.automountServiceAccountToken: true")
	refuse(spec.ShareProcessNamespace != nil && *spec.ShareProcessNamespace, "podspec.shareProcessNamespace (it would show the sidecars to the function)")
	refuse(spec.RestartPolicy != "" && spec.RestartPolicy != corev1.RestartPolicyAlways, "podspec.restartPolicy %s", spec.RestartPolicy)
	refuse(len(spec.EphemeralContainers) > 0, "podspec.ephemeralContainers")
	refuse(spec.NodeName != "", "podspec.nodeName (use nodeSelector)")
	if sc := spec.SecurityContext; sc != nil {
		refuse(len(sc.Sysctls) > 0, "podspec.securityContext.sysctls")
		refuse(unconfined(sc.SeccompProfile), "podspec.securityContext.seccompProfile Unconfined")
	}
	faults = append(faults, checkVolumes(spec.Volumes)...)
	faults = append(faults, checkContainers(spec)...)
	return errors.Join(faults...)
}

func checkVolumes(vs []corev1.Volume) (faults []error) {
	for _, v := range vs {
		if v.HostPath != nil {
			faults = append(faults, fmt.Errorf("volume %q: hostPath is not allowed", v.Name))
		}
		if v.Projected == nil {
			continue
		}
		for _, s := range v.Projected.Sources {
			if s.ServiceAccountToken != nil || s.ClusterTrustBundle != nil || s.PodCertificate != nil {
				faults = append(faults, fmt.Errorf("volume %q: projected credentials are not allowed", v.Name))
			}
		}
	}
	return faults
}

func checkContainers(spec *corev1.PodSpec) (faults []error) {
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		if c.Name == ContainerFetcher || c.Name == ContainerProxy {
			faults = append(faults, fmt.Errorf("container %q: the name is the platform's; use another", c.Name))
		}
		for _, p := range c.Ports {
			if p.HostPort != 0 {
				faults = append(faults, fmt.Errorf("container %q: hostPort is not allowed", c.Name))
			}
		}
		if err := checkSecurity(c.SecurityContext); err != nil {
			faults = append(faults, fmt.Errorf("container %q: %w", c.Name, err))
		}
	}
	return faults
}

func checkSecurity(sc *corev1.SecurityContext) error {
	switch {
	case sc == nil:
		return nil
	case sc.Privileged != nil && *sc.Privileged:
		return errors.New("privileged is not allowed")
	case sc.AllowPrivilegeEscalation != nil && *sc.AllowPrivilegeEscalation:
		return errors.New("allowPrivilegeEscalation is not allowed")
	case sc.Capabilities != nil && len(sc.Capabilities.Add) > 0:
		return errors.New("added capabilities are not allowed")
	case unconfined(sc.SeccompProfile):
		return errors.New("seccompProfile Unconfined is not allowed")
	case sc.ProcMount != nil && *sc.ProcMount != corev1.DefaultProcMount:
		return errors.New("procMount is not allowed")
	}
	return nil
}

func unconfined(p *corev1.SeccompProfile) bool {
	return p != nil && p.Type == corev1.SeccompProfileTypeUnconfined
}

// Confine gives the pod and all its containers the security context that restricted clusters ask for, keeping
// what the user made stricter.
func Confine(spec *corev1.PodSpec, cfg Config) {
	if spec.SecurityContext == nil {
		spec.SecurityContext = &corev1.PodSecurityContext{}
	}
	sc := spec.SecurityContext
	if sc.SeccompProfile == nil {
		sc.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	}
	if cfg.RunAsNonRoot {
		yes := true
		sc.RunAsNonRoot = &yes
	}
	if sc.RunAsUser == nil && cfg.RunAsUser != 0 {
		sc.RunAsUser = &cfg.RunAsUser
	}
	if sc.FSGroup == nil && cfg.FSGroup != 0 {
		sc.FSGroup = &cfg.FSGroup
	}
	for i := range spec.InitContainers {
		spec.InitContainers[i].SecurityContext = confined(spec.InitContainers[i].SecurityContext, cfg)
	}
	for i := range spec.Containers {
		spec.Containers[i].SecurityContext = confined(spec.Containers[i].SecurityContext, cfg)
	}
}

func confined(sc *corev1.SecurityContext, cfg Config) *corev1.SecurityContext {
	if sc == nil {
		sc = &corev1.SecurityContext{}
	}
	no, yes := false, true
	sc.AllowPrivilegeEscalation = &no
	sc.Capabilities = &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}
	if cfg.RunAsNonRoot {
		sc.RunAsNonRoot = nil // the pod's
	}
	if sc.ReadOnlyRootFilesystem == nil {
		sc.ReadOnlyRootFilesystem = &yes
	}
	return sc
}

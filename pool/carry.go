package pool

import (
	"strings"

	"hotpod.dev/wire"
)

// Carried returns which labels or annotations of an object its pods have too: all but those that only mean something on
// the object, to us or to what wrote it.
func Carried(of map[string]string) map[string]string {
	carried := map[string]string{}
	for key, value := range of {
		if !staysBehind(key) {
			carried[key] = value
		}
	}
	return carried
}

func staysBehind(key string) bool {
	switch key {
	case wire.LabelEnvironmentName, wire.LabelEnvironmentNamespace, wire.LabelEnvironmentUID, wire.LabelExecutorType,
		wire.LabelManaged, wire.LabelFunctionName, wire.LabelFunctionNamespace, wire.LabelFunctionUID,
		"fission-name", "fission-uid": // whose application the object is
		return true
	}
	domain, _, prefixed := strings.Cut(key, "/")
	if !prefixed {
		return false
	}
	for _, d := range []string{
		"hotpod.dev", "fission.io", "autoscaling.knative.dev", "kubectl.kubernetes.io", "argocd.argoproj.io", "toolkit.fluxcd.io", "helm.sh",
	} {
		if domain == d || strings.HasSuffix(domain, "."+d) {
			return true
		}
	}
	return false
}

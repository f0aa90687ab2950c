package main

import (
	"log/slog"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"hotpod.dev/autoscaler/law"
	"hotpod.dev/kube"
)

// configMapDefaults holds the platform's defaults of scale, beside the components.
const configMapDefaults = "config-autoscaler"

// reasonInvalid is that of the event on a ConfigMap whose settings are not taken.
const reasonInvalid = "InvalidSettings"

// defaults hands the settings of the ConfigMap on. They are taken all or not at all: a ConfigMap with a fault leaves
// the last good settings as they are.
type defaults struct {
	apply func(law.Defaults)
	warn  func(obj kube.Object, reason, message string)
	log   *slog.Logger
}

func (d *defaults) set(m *corev1.ConfigMap) {
	parsed, unused, err := law.ParseDefaults(m.Data)
	if err != nil {
		message := strings.ReplaceAll(err.Error(), "\n", "; ")
		d.log.Error("settings are not taken, the last good ones stay", "configmap", m.Name, "namespace", m.Namespace, "error", message)
		d.warn(m, reasonInvalid, "Not taken, the last good settings stay: "+message)
		return
	}
	if len(unused) > 0 {
		d.log.Warn("settings have no effect", "configmap", m.Name, "namespace", m.Namespace, "settings", strings.Join(unused, ", "))
	}
	d.log.Info("settings are taken", "configmap", m.Name, "namespace", m.Namespace, "resource_version", m.ResourceVersion)
	d.apply(parsed)
}

// gone goes back to the built-in settings: somebody took the others away.
func (d *defaults) gone(m *corev1.ConfigMap) {
	d.log.Warn("the settings are gone, the built-in ones hold", "configmap", m.Name, "namespace", m.Namespace)
	d.apply(law.BuiltIn())
}

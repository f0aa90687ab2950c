package main

import (
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"hotpod.dev/autoscaler/law"
	"hotpod.dev/kube"
)

func TestDefaults_TakeGoodSettingsAndKeepThemWhenBadOnesCome(t *testing.T) {
	now := law.BuiltIn()
	var log, warned strings.Builder
	d := &defaults{
		apply: func(d law.Defaults) { now = d },
		warn:  func(_ kube.Object, reason, message string) { warned.WriteString(reason + " " + message) },
		log:   slog.New(slog.NewTextHandler(io.MultiWriter(&log, t.Output()), nil)),
	}
	d.set(&corev1.ConfigMap{Data: map[string]string{"stable-window": "30s", "max-scale": "5"}})
	if now.StableWindow != 30*time.Second || now.MaxScale != 5 {
		t.Errorf("settings %+v", now)
	}
	d.set(&corev1.ConfigMap{Data: map[string]string{"stable-window": "1s", "max-scale": "7"}})
	if now.StableWindow != 30*time.Second || now.MaxScale != 5 {
		t.Errorf("after bad ones %+v", now)
	}
	if want := `stable-window is "1s"`; !strings.Contains(warned.String(), reasonInvalid) || !strings.Contains(warned.String(), want) ||
		!strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("warned %q, log\n%s", warned.String(), log.String())
	}
	d.set(&corev1.ConfigMap{Data: map[string]string{"target-burst-capacity": "211"}})
	if now != law.BuiltIn() || !strings.Contains(log.String(), "settings=target-burst-capacity") {
		t.Errorf("after a setting without effect %+v, log\n%s", now, log.String())
	}
	d.set(&corev1.ConfigMap{Data: map[string]string{"max-scale": "7"}})
	d.gone(&corev1.ConfigMap{})
	if now != law.BuiltIn() {
		t.Errorf("after they went %+v", now)
	}
}

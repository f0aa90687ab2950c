package main

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"

	"hotpod.dev/kube"
	"hotpod.dev/logstore"
	"hotpod.dev/timelines/store"
)

// configMapRetention says how much is kept, beside the components. What it does not say, flags do.
const configMapRetention = "config-logger"

// bounds of what is kept.
type bounds struct {
	lines     logstore.Retention
	timelines int64
}

// parse returns b changed by settings, and which of them nobody knows. Settings that begin with "_" are examples.
func (b bounds) parse(settings map[string]string) (parsed bounds, unknown []string, err error) {
	var errs []error
	number := func(name, text string, to *int64) {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			errs = append(errs, fmt.Errorf("%s %q is no whole number from 0", name, text))
		}
		*to = n
	}
	for name, text := range settings {
		switch text = strings.TrimSpace(text); name {
		case "keep-age":
			d, err := time.ParseDuration(text)
			if err != nil || d < 0 {
				errs = append(errs, fmt.Errorf("keep-age %q is no duration such as 168h", text))
			}
			b.lines.Age = d
		case "keep-bytes":
			number(name, text, &b.lines.Bytes)
		case "timelines":
			number(name, text, &b.timelines)
		default:
			if !strings.HasPrefix(name, "_") {
				unknown = append(unknown, name)
			}
		}
	}
	slices.Sort(unknown)
	return b, unknown, errors.Join(errs...)
}

// retention is how much is kept now. Settings are taken all or not at all: a ConfigMap with a fault leaves the last good ones.
type retention struct {
	flags bounds
	log   *slog.Logger
	now   atomic.Pointer[bounds]
}

func newRetention(flags bounds, log *slog.Logger) *retention {
	r := &retention{flags: flags, log: log}
	r.now.Store(&flags)
	return r
}

func (r *retention) lines() logstore.Retention { return r.now.Load().lines }

// timelines are kept for no longer than lines.
func (r *retention) timelines() store.Bounds {
	b := r.now.Load()
	return store.Bounds{Age: b.lines.Age, Count: b.timelines}
}

// handler takes the ConfigMap as it is now. When it is gone, what flags say holds.
func (r *retention) handler() kube.Handler[*corev1.ConfigMap] {
	return kube.Handler[*corev1.ConfigMap]{Set: r.set, Delete: func(*corev1.ConfigMap) { r.now.Store(&r.flags) }}
}

func (r *retention) set(m *corev1.ConfigMap) {
	parsed, unknown, err := r.flags.parse(m.Data)
	if err != nil {
		r.log.Error("settings are not taken, the last good ones stay", "configmap", m.Name, "error", strings.ReplaceAll(err.Error(), "\n", "; "))
		return
	}
	if len(unknown) > 0 {
		r.log.Warn("settings have no effect", "configmap", m.Name, "settings", strings.Join(unknown, ", "))
	}
	r.log.Info("settings are taken", "configmap", m.Name, "keep_age", parsed.lines.Age.String(), "keep_bytes", parsed.lines.Bytes, "timelines", parsed.timelines)
	r.now.Store(&parsed)
}

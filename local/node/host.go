package node

import (
	"log/slog"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"hotpod.dev/local/node/volume"
)

// host is what all workers of a node share.
type host struct {
	// name is the node's, address its own address.
	name, address string
	dir           string
	hide          []string
	env           []corev1.EnvVar
	// plain says that pods have no namespaces here.
	plain     bool
	images    ImageResolver
	tools     *toolchain
	makeBox   boxMaker
	addresses *addresses
	source    objects
	events    eventRecorder
	log       *slog.Logger
}

// objects are what pods refer to.
type objects interface {
	volume.Source
	// Watch calls changed whenever an object that the pod refers to may have
	// changed, until the function that it returns is called.
	Watch(pod *corev1.Pod, changed func()) (stop func())
}

// eventRecorder writes events; client-go's in real life.
type eventRecorder interface {
	Eventf(object runtime.Object, kind, reason, format string, args ...any)
}

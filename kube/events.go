package kube

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
)

// Events records events of objects, for kubectl describe. Repetitions are counted, not repeated, and a flood is cut.
type Events struct {
	cast     record.EventBroadcaster
	recorder record.EventRecorder
	stop     context.CancelFunc
}

// NewEvents returns a recorder in the name of a component. It writes until Run has ended.
func NewEvents(clients *Clients, component string) *Events {
	cast := record.NewBroadcaster()
	ctx, stop := context.WithCancel(context.Background())
	cast.StartRecordingToSink(sink{ctx: ctx, clients: clients})
	return &Events{
		cast:     cast,
		recorder: cast.NewRecorder(clients.scheme, corev1.EventSource{Component: component}),
		stop:     stop,
	}
}

// Normal records what happened as it should.
func (e *Events) Normal(obj Object, reason, message string) {
	e.recorder.Event(obj, corev1.EventTypeNormal, reason, message)
}

// Warning records what somebody should look at.
func (e *Events) Warning(obj Object, reason, message string) {
	e.recorder.Event(obj, corev1.EventTypeWarning, reason, message)
}

// Run ends the recorder when ctx ends.
func (e *Events) Run(ctx context.Context) error {
	<-ctx.Done()
	e.cast.Shutdown()
	e.stop()
	return nil
}

// sink writes events by the typed client.
type sink struct {
	ctx     context.Context //nolint:containedctx // the interface that is implemented has none
	clients *Clients
}

func (s sink) Create(event *corev1.Event) (*corev1.Event, error) {
	return s.clients.Events(event.Namespace).Create(s.ctx, event, metav1.CreateOptions{})
}

func (s sink) Update(event *corev1.Event) (*corev1.Event, error) {
	return s.clients.Events(event.Namespace).Update(s.ctx, event, metav1.UpdateOptions{})
}

func (s sink) Patch(event *corev1.Event, data []byte) (*corev1.Event, error) {
	return s.clients.Events(event.Namespace).Patch(s.ctx, event.Name, types.StrategicMergePatchType, data, metav1.PatchOptions{})
}

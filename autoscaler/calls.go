package autoscaler

import (
	"time"

	"hotpod.dev/wire"
)

// Timelines keeps what is known of single requests. Its methods never wait.
type Timelines interface {
	Keep(t wire.Timeline)
	// Dropped counts those that could not be told.
	Dropped(n int)
}

// maxMessage bounds the texts of a call: what a pod says is not trusted.
const maxMessage = 1 << 10

// keepCalls sends on what a pod tells of single requests. The function is the pod's, whatever it may say.
func (a *Autoscaler) keepCalls(f *function, p *pod, calls *wire.Calls, now time.Time) {
	if calls == nil || a.config.Timelines == nil { // an Outbox that is nil keeps nothing
		return
	}
	a.config.Timelines.Dropped(max(0, min(calls.Omitted, 1<<20)) + max(0, len(calls.Calls)-wire.MaxCalls))
	for _, c := range calls.Calls[:min(len(calls.Calls), wire.MaxCalls)] {
		a.config.Timelines.Keep(timelineOf(f.id, p.hot.UID, c, now))
	}
}

func timelineOf(id wire.FunctionID, pod string, c wire.Call, now time.Time) wire.Timeline {
	queue, run := max(0, c.QueueMicros), max(0, c.RunMicros)
	t := wire.Timeline{
		RequestID: cut(c.RequestID), TraceID: cut(c.TraceID), Function: id, Part: wire.PartQueueProxy, Pod: pod,
		StartMicros: now.UnixMicro() - max(0, c.AgoMicros), Micros: queue + run,
		Status: c.Status, Reason: cut(c.Reason), Message: cut(c.Message),
		Steps: []wire.Step{{Name: wire.StepQueue, Micros: queue}},
	}
	if run > 0 {
		t.Steps = append(t.Steps, wire.Step{Name: wire.StepFunction, Offset: queue, Micros: run})
	}
	return t
}

func cut(text string) string { return text[:min(len(text), maxMessage)] }

package explain

import (
	"cmp"
	"time"

	"hotpod.dev/wire"
)

// Declared is what is known about the function as its owner declared it. The zero value is of one that is not known.
type Declared struct {
	// Function and Environment are their names, "" when unknown.
	Function, Environment string
	// Own says that the function has pods of its own, which are not taken from an environment's pool.
	Own bool
	// Once says that each pod takes a single request.
	Once bool
	// PoolSize of the environment; MinScale, MaxScale and PerPod (requests) of the function.
	PoolSize, MinScale, MaxScale, PerPod int
}

// Explanation is what became of one request.
type Explanation struct {
	RequestID string `json:"requestId"`
	TraceID   string `json:"traceId,omitempty"`
	// Function is "namespace/name", "" when the request was for none.
	Function string    `json:"function,omitempty"`
	Method   string    `json:"method,omitempty"`
	Path     string    `json:"path,omitempty"`
	Started  time.Time `json:"started"`
	// Millis is how long it took in all.
	Millis float64 `json:"millis"`
	Status int     `json:"status"`
	Cold   bool    `json:"cold"`
	Pod    string  `json:"pod,omitempty"`
	// Cause in one word, and Why in a sentence.
	Cause Cause  `json:"cause"`
	Why   string `json:"why"`
	// Change is what can be done about it, commands included; empty when nothing needs to be.
	Change []string `json:"change,omitempty"`
	// Message is the error that the platform answered.
	Message string `json:"message,omitempty"`
	Steps   []Step `json:"steps"`
	// Unheard are the parts that told nothing of the request, which they may not have seen.
	Unheard []wire.Part `json:"unheard,omitempty"`
}

// Step is a line of the timeline.
type Step struct {
	Name wire.StepName `json:"name"`
	// Depth is 0 for a step of the way, more for one within the step before it of a lesser depth.
	Depth       int     `json:"depth"`
	StartMillis float64 `json:"startMillis"`
	Millis      float64 `json:"millis"`
	Note        string  `json:"note,omitempty"`
}

// Of explains the newest request among the timelines, which have its ID; false when there is none.
func Of(all []wire.Timeline, d Declared) (Explanation, bool) {
	c, ok := newest(all)
	if !ok {
		return Explanation{}, false
	}
	c.declared = d
	first := c.first()
	e := Explanation{
		RequestID: first.RequestID, Started: time.UnixMicro(first.StartMicros).UTC(), Millis: millis(c.total()), Status: c.status(),
		Cold: c.cold(), Steps: c.steps(),
	}
	for _, t := range c.parts() {
		e.TraceID, e.Method, e.Path = cmp.Or(e.TraceID, t.TraceID), cmp.Or(e.Method, t.Method), cmp.Or(e.Path, t.Path)
		e.Pod, e.Message = cmp.Or(t.Pod, e.Pod), cmp.Or(t.Message, e.Message)
		if t.Function.Name != "" {
			e.Function = t.Function.Namespace + "/" + t.Function.Name
		}
	}
	for part, t := range map[wire.Part]*wire.Timeline{wire.PartEdge: c.edge, wire.PartActivator: c.activator, wire.PartQueueProxy: c.queueproxy} {
		if t == nil {
			e.Unheard = append(e.Unheard, part)
		}
	}
	sortParts(e.Unheard)
	for _, r := range rules() {
		if r.when(c) {
			e.Cause, e.Why = r.cause, r.why(c)
			if r.change != nil {
				e.Change = r.change(c)
			}
			break
		}
	}
	return e, true
}

func millis(micros int64) float64 { return float64(micros) / 1000 }

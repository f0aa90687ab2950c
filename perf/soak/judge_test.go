package soak

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"hotpod.dev/perf/probe"
)

// at is a moment of a story, in milliseconds.
func at(ms int) time.Time { return time.UnixMilli(int64(1_000_000 + ms)) }

// cut is a request that failed without a whole answer.
func cut(id string, began, ended int) *call {
	return &call{id: id, kind: "short", function: steady, router: "r1", began: at(began), routerAt: at(began), ended: at(ended), fault: "EOF"}
}

// sentOn is the call on a connection of some moment.
func sentOn(c *call, made int) *call {
	c.connected = at(made)
	return c
}

// told is the call with an answer that is a failure.
func told(c *call, status int) *call {
	c.status = status
	return c
}

func TestJudge_ExcusesWhatAKillHit(t *testing.T) {
	for name, c := range map[string]struct {
		call  *call
		kill  kill
		begun *probe.Entry
		want  string
	}{
		"begun in the pod":           {cut("a", 0, 200), kill{target: killsPod, name: "p"}, &probe.Entry{Begin: true, Request: "a", Pod: "p", At: at(10)}, "begun in a pod that was killed"},
		"begun in another pod":       {cut("a", 0, 200), kill{target: killsPod, name: "p"}, &probe.Entry{Begin: true, Request: "a", Pod: "q", At: at(10)}, ""},
		"begun after the kill":       {cut("a", 0, 900), kill{target: killsPod, name: "p"}, &probe.Entry{Begin: true, Request: "a", Pod: "p", At: at(800)}, ""},
		"never begun":                {cut("a", 0, 200), kill{target: killsPod, name: "p"}, nil, ""},
		"queued at the queue-proxy":  {cut("a", 0, 200), kill{target: killsQueueProxy, name: "p", function: steady}, nil, "inside a queue-proxy at its SIGKILL"},
		"sent to the runtime":        {told(cut("a", 0, 200), 500), kill{target: killsRuntime, name: "p", function: steady}, nil, "inside a runtime at its SIGKILL"},
		"refused without a replay":   {told(cut("a", 0, 200), 503), kill{target: killsRuntime, name: "p", function: steady}, nil, ""},
		"another function's":         {cut("a", 0, 200), kill{target: killsQueueProxy, name: "p", function: wave}, nil, ""},
		"inside the Envoy":           {cut("a", 0, 200), kill{target: killsRouter, name: "r1"}, nil, "inside an Envoy at its SIGKILL"},
		"on a broken connection":     {sentOn(cut("a", 150, 160), 50), kill{target: killsRouter, name: "r1"}, nil, "sent on a connection that broke with an Envoy"},
		"on a new connection":        {sentOn(cut("a", 150, 160), 140), kill{target: killsRouter, name: "r1"}, nil, ""},
		"inside the other Envoy":     {cut("a", 0, 200), kill{target: killsRouter, name: "r2"}, nil, ""},
		"inside the activator":       {cut("a", 0, 200), kill{target: killsActivator}, nil, "inside the activator at its SIGKILL"},
		"came after the kill":        {cut("a", 150, 200), kill{target: killsActivator}, nil, ""},
		"failed before the kill":     {cut("a", 0, 90), kill{target: killsActivator}, nil, ""},
		"failed long after the kill": {cut("a", 0, 5000), kill{target: killsActivator}, nil, ""},
		"a part without requests":    {cut("a", 0, 200), kill{name: "xds-local"}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBook()
			c.kill.from, c.kill.to, c.kill.inside = at(100), at(110), map[string]bool{"a": true}
			b.kills, b.failed = []*kill{&c.kill}, []*call{c.call}
			if c.begun != nil {
				b.tell(*c.begun)
			}
			got := b.judge()
			if len(got) != 1 || got[0].cause != c.want {
				t.Errorf("got %+v, want %q", got, c.want)
			}
		})
	}
}

func TestJudge_HasNoExcuseForAWrongAnswerOrASecondBegin(t *testing.T) {
	b := newBook()
	b.kills = []*kill{{target: killsActivator, from: at(100), to: at(110), inside: map[string]bool{"a": true, "b": true}}}
	wrong := cut("a", 0, 200)
	wrong.status, wrong.body = 200, "{}"
	b.failed = []*call{wrong, cut("b", 0, 200)}
	b.tell(probe.Entry{Begin: true, Request: "b", Pod: "p", At: at(20)})
	b.tell(probe.Entry{Begin: true, Request: "b", Pod: "q", At: at(30)})
	got := b.judge()
	if len(got) != 3 {
		t.Fatalf("%+v", got)
	}
	for _, v := range got {
		if v.cause != "" {
			t.Errorf("%s is excused by %q", v.id, v.cause)
		}
	}
}

func TestVersions_AnAnswerMustHaveBeenCurrent(t *testing.T) {
	v := newVersions()
	v.declared = append(v.declared, at(0), at(1000), at(2000)) // 1, 2, 3
	answer := func(version, began, ended int) string {
		return v.judge(&call{version: version, began: at(began), ended: at(ended)}, nil)
	}
	for _, step := range []struct {
		version, began, ended int
		good                  bool
	}{
		{1, 10, 20, true},
		{2, 10, 20, false},    // not yet written
		{9, 10, 20, false},    // never written
		{1, 1100, 1200, true}, // the first of 2 is not hot yet
		{2, 1100, 1300, true},
		{1, 1400, 1500, true}, // the news is under way
		{1, 1400, 9000, true}, // began early
		{1, 3000, 3100, false},
		{2, 3000, 3100, true},
	} {
		if got := answer(step.version, step.began, step.ended); (got == "") != step.good {
			t.Errorf("version %d at %d to %d: %q", step.version, step.began, step.ended, got)
		}
	}
	late := &call{version: 1, began: at(3000), ended: at(3100)}
	if got := v.judge(late, []*outage{{from: at(1400), to: at(2900)}}); got != "" {
		t.Errorf("the control plane was away, and yet: %s", got)
	}
}

func TestBook_KnowsWhatWasUnderWayAtAKill(t *testing.T) {
	b := newBook()
	begin := func(id string) *call {
		c := &call{id: id, kind: "short"}
		b.begin(c)
		return c
	}
	early, during, after := begin("early"), begin("during"), begin("after")
	b.end(early)
	k := &kill{from: time.Now()}
	during.fault = "EOF"
	b.end(during)
	b.killed(k)
	begin("late")
	if k.inside["early"] || !k.inside["during"] || !k.inside[after.id] || k.inside["late"] {
		t.Errorf("%v", k.inside)
	}
	if b.counts["short"] != 1 || len(b.failed) != 1 {
		t.Errorf("%v %v", b.counts, b.failed)
	}
}

func TestReport_TracesAFailure(t *testing.T) {
	b := newBook()
	c := cut("c1-7", 0, 250)
	c.status, c.body = 503, "no healthy upstream"
	b.failed = []*call{c}
	b.events = []*event{{name: "xds killed", from: at(100), to: at(300)}, {name: "code updated", from: at(200), to: at(210), err: fmt.Errorf("no")}}
	r := b.report(7, time.Minute)
	if r.Unexplained != 1 || r.Troubled["code updated"] != 1 {
		t.Errorf("%+v", r)
	}
	var out bytes.Buffer
	r.Write(&out)
	for _, want := range []string{"c1-7", "503", "no healthy upstream", "xds killed 150ms before", "1 failed without an explanation"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}

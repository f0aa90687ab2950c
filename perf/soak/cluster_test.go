package soak

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCommands_AreDoneInOrderAndTheirFaultsKnown(t *testing.T) {
	file := filepath.Join(t.TempDir(), "done")
	b := newBook()
	s := &soak{load: &load{book: b}, config: Config{
		Log: slog.New(slog.DiscardHandler), Pause: time.Millisecond,
		Cluster: &Cluster{Kubeconfig: "some/kubeconfig", Events: []Event{
			{Name: "first", Command: "echo $KUBECONFIG >" + file},
			{Name: "second", Command: "grep some/kubeconfig " + file},
			{Name: "third", Command: "echo what is wrong; exit 3"},
		}},
	}}
	s.commands(t.Context())
	if len(b.events) != 3 || len(b.outages) != 3 {
		t.Fatalf("%d events, %d outages", len(b.events), len(b.outages))
	}
	for _, e := range b.events[:2] {
		if e.err != nil {
			t.Error(e.name, e.err)
		}
	}
	if err := b.events[2].err; err == nil || !strings.Contains(err.Error(), "what is wrong") {
		t.Errorf("the third failed with %v", err)
	}
	if r := b.report(1, time.Second); r.Troubled["third"] != 1 || r.Troubled["first"] != 0 {
		t.Errorf("troubled: %v", r.Troubled)
	}
}

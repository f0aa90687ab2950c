package kube

import (
	"errors"
	"testing"
	"time"

	"hotpod.dev/leader"
)

func TestLease_IsWrittenByWhoSawItLast(t *testing.T) {
	clients, namespace := start(t)
	a, b := NewLease(clients, namespace, "l"), NewLease(clients, namespace, "l")
	none, err := a.Read(t.Context())
	if err != nil || none != (leader.Record{}) {
		t.Fatalf("before the first write: %+v, %v", none, err)
	}
	first, err := a.Write(t.Context(), leader.Record{Holder: "a", Term: 3 * time.Second})
	if err != nil || first.Holder != "a" || first.Term != 3*time.Second || first.Version == "" {
		t.Fatalf("first write: %+v, %v", first, err)
	}
	if _, err := b.Write(t.Context(), leader.Record{Holder: "b", Term: time.Second}); !errors.Is(err, leader.ErrConflict) {
		t.Errorf("a second first write: %v", err)
	}
	seen, err := b.Read(t.Context())
	if err != nil || seen != first {
		t.Errorf("read %+v, %v", seen, err)
	}
	renewed, err := a.Write(t.Context(), first)
	if err != nil || renewed.Version == first.Version {
		t.Errorf("renewed: %+v, %v", renewed, err)
	}
	seen.Holder = "b"
	if _, err := b.Write(t.Context(), seen); !errors.Is(err, leader.ErrConflict) {
		t.Errorf("write of what is old: %v", err)
	}
	if _, err := b.Write(t.Context(), leader.Record{Version: renewed.Version, Term: 3 * time.Second}); err != nil {
		t.Errorf("nobody holds it: %v", err)
	}
	if free, err := a.Read(t.Context()); err != nil || free.Holder != "" {
		t.Errorf("%+v, %v", free, err)
	}
}

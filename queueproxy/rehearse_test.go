package queueproxy_test

import (
	"context"
	"testing"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/queueproxy"
	"hotpod.dev/wire"
)

func TestRehearse_LeavesTheRuntimeAlone(t *testing.T) {
	runtime := testproxy.Listen(t)
	cfg := queueproxy.Config{
		PodUID: "pod-1", RuntimeAddress: runtime.Addr().String(), ReplayLimit: wire.DefaultReplayLimit, MaxWaiting: 1,
	}
	if err := queueproxy.Rehearse(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	mine := testproxy.Dial(t, runtime.Addr().String())
	first, err := runtime.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if first.RemoteAddr().String() != mine.LocalAddr().String() {
		t.Error("the rehearsal connected to the pod's runtime")
	}
}

func TestRehearse_EndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := queueproxy.Rehearse(ctx, queueproxy.Config{PodUID: "pod-1"}); err == nil {
		t.Error("Rehearse ended well without time for it")
	}
}

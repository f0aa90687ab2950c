package xds

import (
	"fmt"
	"testing"

	dataaccesslogv3 "github.com/envoyproxy/go-control-plane/envoy/data/accesslog/v3"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"hotpod.dev/wire"
)

func logged(status uint32, details string, flags *dataaccesslogv3.ResponseFlags) *dataaccesslogv3.HTTPAccessLogEntry {
	return &dataaccesslogv3.HTTPAccessLogEntry{
		CommonProperties: &dataaccesslogv3.AccessLogCommon{ResponseFlags: flags},
		Response:         &dataaccesslogv3.HTTPResponseProperties{ResponseCode: wrapperspb.UInt32(status), ResponseCodeDetails: details},
	}
}

func TestFaultCount_CountsWhatEnvoyAnsweredItselfByFunction(t *testing.T) {
	f := newFaultCount()
	unreachable := &dataaccesslogv3.ResponseFlags{UpstreamConnectionFailure: true}
	id := func(n int) wire.FunctionID {
		return wire.FunctionID{Namespace: "default", Name: fmt.Sprint("f", n), UID: fmt.Sprint("u", n)}
	}
	f.add(logged(500, "upstream_reset_before_response_started", unreachable), &wire.Timeline{Function: id(0)})
	f.add(logged(500, "upstream_reset_before_response_started", unreachable), &wire.Timeline{Function: id(0)})
	f.add(logged(504, "stream_idle_timeout", &dataaccesslogv3.ResponseFlags{StreamIdleTimeout: true}), &wire.Timeline{Function: id(0)})
	if got := testutil.ToFloat64(f.total.WithLabelValues("default", "f0", "executor_unavailable")); got != 2 {
		t.Errorf("executor_unavailable is %v", got)
	}
	if got := testutil.ToFloat64(f.total.WithLabelValues("default", "f0", "stream_idle")); got != 1 {
		t.Errorf("stream_idle is %v", got)
	}
	for what, e := range map[string]*dataaccesslogv3.HTTPAccessLogEntry{
		"what the activator answered after another pod failed": logged(500, viaUpstream, unreachable),
		"a client that went away":                              logged(0, "downstream_remote_disconnect", &dataaccesslogv3.ResponseFlags{DownstreamConnectionTermination: true}),
		"a function's own error":                               logged(503, viaUpstream, nil),
	} {
		f.add(e, &wire.Timeline{Function: id(1)})
		if got := testutil.CollectAndCount(f.total); got != 2 {
			t.Errorf("%s was counted", what)
		}
	}
	f.forget(id(0))
	f.forget(id(7))
	if got := testutil.CollectAndCount(f.total); got != 0 {
		t.Errorf("%d series are left of a deleted function", got)
	}
	for n := range maxFaulty + 50 {
		f.add(logged(500, "no_healthy_upstream", &dataaccesslogv3.ResponseFlags{NoHealthyUpstream: true}), &wire.Timeline{Function: id(n)})
	}
	if got := testutil.CollectAndCount(f.total); got != maxFaulty+1 {
		t.Errorf("there are %d series", got)
	}
	if got := testutil.ToFloat64(f.total.WithLabelValues("", "", "executor_unavailable")); got != 50 {
		t.Errorf("%v are counted together", got)
	}
}

package xds

import (
	"fmt"
	"net/http"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/internal/envoytest"
)

const many = 10_000

func manyObjects(i int) (*v1.Function, *v1.HTTPTrigger) {
	name := fmt.Sprintf("function-%05d", i)
	meta := metav1.ObjectMeta{Namespace: "default", Name: name, Generation: 1, UID: types.UID(fmt.Sprintf("5f7c1d52-8a4e-4c5e-9f4d-0000000%05d", i))}
	trigger := &v1.HTTPTrigger{ObjectMeta: meta, Spec: v1.HTTPTriggerSpec{
		RelativeURL: "/api/v1/" + name, FunctionReference: v1.FunctionReference{Type: v1.ReferenceName, Name: name},
	}}
	return &v1.Function{ObjectMeta: meta}, trigger
}

func fill(s *Server) {
	for i := range many {
		f, r := manyObjects(i)
		s.SetFunction(f)
		s.SetRoute(r)
	}
}

func BenchmarkBuild_TenThousandRoutes(b *testing.B) {
	s, err := New(testConfig())
	if err != nil {
		b.Fatal(err)
	}
	fill(s)
	s.build()
	i, cpu := many, cpuTime()
	for b.Loop() {
		f, t := manyObjects(i)
		i++
		s.SetFunction(f)
		s.SetRoute(t)
		s.build()
	}
	b.ReportMetric((cpuTime()-cpu).Seconds()*1000/float64(i-many), "cpu-ms/op")
	size := 0
	for _, r := range s.catalog.set[typeScope] {
		size += len(r.body.Value)
	}
	b.ReportMetric(float64(size)/many, "bytes/route")
	b.ReportMetric(float64(len(s.catalog.set[typeScope])), "tables")
}

// One round adds a function with its route and calls it; the metrics are of the Envoy behind.
func BenchmarkEnvoy_NewRouteAmongTenThousand(b *testing.B) {
	r := &rig{t: b, host: envoytest.Address(b)}
	envoytest.Path(b)
	r.startServer()
	fill(r.server)
	r.server.Synced()
	start := time.Now()
	r.startEnvoy()
	r.awaitListeners()
	serving, atRest := float64(time.Since(start).Milliseconds()), resident(b, r.envoy.PID())
	r.activator(newBackend(b, "activator"))
	i := many
	for b.Loop() {
		f, t := manyObjects(i)
		i++
		r.server.SetFunction(f)
		r.server.SetRoute(t)
		r.eventually("the new route answers", func() error { return r.get(t.Spec.RelativeURL).want(http.StatusOK, "activator") })
	}
	b.ReportMetric(serving, "ms-to-serving")
	b.ReportMetric(atRest, "MB-envoy-at-rest")
	b.ReportMetric(resident(b, r.envoy.PID()), "MB-envoy-after")
}

// cpuTime is what the process has used: on a busy machine it says more than the clock.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

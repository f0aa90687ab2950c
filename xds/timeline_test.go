package xds

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/internal/envoytest"
	"hotpod.dev/wire"
)

// keeper is a Timelines that keeps all by their IDs.
type keeper struct {
	mu      sync.Mutex
	kept    map[string]wire.Timeline
	dropped int
}

func (k *keeper) Keep(t wire.Timeline) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept[t.RequestID] = t
}

func (k *keeper) Dropped(n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dropped += n
}

func (k *keeper) get(id string) (wire.Timeline, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	t, ok := k.kept[id]
	return t, ok
}

func TestEnvoy_TellsOfRequestsThatFailedOrWereSlow(t *testing.T) {
	k := &keeper{kept: map[string]wire.Timeline{}}
	envoytest.Path(t)
	r := startRig(&rig{t: t, host: envoytest.Address(t), keeps: k})
	pod := newBackend(t, "pod")
	f := r.function("f")
	r.route("f", v1.HTTPTriggerSpec{RelativeURL: "/f", Methods: []string{"GET"}})
	r.hot(f, 1, pod)
	r.eventually("the pod serves", func() error { return r.get("/f").want(http.StatusOK, "pod") })
	serve := func(id, path string, h http.HandlerFunc) {
		pod.answer.Store(&h)
		if got := r.get(path, "X-Fission-Request-ID", id); got.err != nil {
			t.Fatal(got.err)
		}
	}
	serve("quick", "/f", func(http.ResponseWriter, *http.Request) {})
	serve("slow", "/f?password=secret", func(w http.ResponseWriter, q *http.Request) {
		time.Sleep(150 * time.Millisecond)
		w.Header().Set("Server-Timing", "hold;dur=20.500, cold;dur=20.5")
		w.Header().Add("Server-Timing", "queue;dur=0.250, function;dur=130.1, db;dur=7")
		w.Header().Set(wire.HeaderColdStart, "true")
		w.Header().Set(wire.HeaderRequestID, q.Header.Get(wire.HeaderRequestID))
	})
	serve("broken", "/f", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	serve("nowhere", "/g", nil)
	serve("cut", "/f", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for _, id := range []string{"slow", "broken", "nowhere", "cut"} {
		envoytest.Eventually(t, id+" is kept", func() error {
			if _, ok := k.get(id); !ok {
				return http.ErrNoLocation
			}
			return nil
		})
	}
	if one, ok := k.get("quick"); ok {
		t.Errorf("a quick request was kept: %+v", one)
	}
	slow, _ := k.get("slow")
	if slow.Function != f || slow.Part != wire.PartEdge || slow.Path != "/f" || slow.Method != http.MethodGet || slow.Status != 200 || !slow.Cold ||
		slow.Micros < 150_000 || len(slow.Steps) < 4 || slow.Steps[1] != (wire.Step{Name: wire.StepHold, Micros: 20_500}) ||
		slow.Steps[3] != (wire.Step{Name: wire.StepFunction, Offset: 20_750, Micros: 130_100}) {
		t.Errorf("slow: %+v", slow)
	}
	if broken, _ := k.get("broken"); broken.Status != 500 || broken.Function != f || broken.Component != "" || broken.Attempts != 1 {
		t.Errorf("broken: %+v", broken)
	}
	if cut, _ := k.get("cut"); cut.Status != 500 || cut.Component != "function" || cut.Flags == "" {
		t.Errorf("cut: %+v", cut)
	}
	faults := r.server.metrics.faults.total
	if n := testutil.ToFloat64(faults.WithLabelValues(f.Namespace, f.Name, "function_error")); n != 1 || testutil.CollectAndCount(faults) != 1 {
		t.Errorf("%v failures of Envoy's own are counted, in %d series", n, testutil.CollectAndCount(faults))
	}
	if nowhere, _ := k.get("nowhere"); nowhere.Status != 404 || nowhere.Function.UID != "" || nowhere.Path != "/g" {
		t.Errorf("nowhere: %+v", nowhere)
	}
}

func TestEnvoy_RequestsForNoFunctionAreKeptInBounds(t *testing.T) {
	k := &keeper{kept: map[string]wire.Timeline{}}
	envoytest.Path(t)
	r := startRig(&rig{t: t, host: envoytest.Address(t), keeps: k})
	const n = 300
	for i := range n {
		if got := r.get("/nowhere", "X-Fission-Request-ID", "id-"+strings.Repeat("i", i%150)+string(rune('a'+i%26))); got.status != http.StatusNotFound {
			t.Fatal(got)
		}
	}
	envoytest.Eventually(t, "all are told of or dropped", func() error {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.dropped < n/2 {
			return http.ErrNoLocation
		}
		return nil
	})
}

func TestTimed_ReadsThePlatformsOwnMetricsOnce(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "db;dur=1": 0, "queue;dur=1, function;dur=2.5": 2, "hold;dur=-1": 0, "function;dur=x": 0, "queue;dur=1,queue;dur=9": 1, "hold": 0,
	} {
		got := timed(text)
		if len(got) != want {
			t.Errorf("%q: %v", text, got)
		}
		if strings.HasPrefix(text, "queue;dur=1") && got[0].Micros != 1000 {
			t.Errorf("%q: %v", text, got)
		}
	}
}

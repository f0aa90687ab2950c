// Command knativekpa plays random loads to Knative's own autoscaler and prints, as lines of JSON, what it saw and
// decided. The law of Hotpod is held against it:
//
//	cd perf/peers && go run ./knativekpa >../../autoscaler/law/testdata/knative.jsonl
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric/noop"
	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/serving/pkg/autoscaler/aggregation"
	"knative.dev/serving/pkg/autoscaler/scaling"
)

const (
	scenarios = 40
	seconds   = 200
	bucket    = time.Second
	// tick is how often Knative decides.
	tick = 2
)

// Scenario is one load and its settings.
type Scenario struct {
	Target, UpRate, DownRate, PanicThreshold float64
	StableSeconds, PanicSeconds              int
	DelaySeconds, Activation                 int
	Weighted                                 bool
	// Loads by second.
	Loads []float64
	// Ticks are decisions, every two seconds: ready pods, the two windows, and what is wanted.
	Ticks [][4]float64
}

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "knativekpa:", err)
		os.Exit(1)
	}
}

func run(out io.Writer) error {
	random := rand.New(rand.NewPCG(1, 2))
	lines := json.NewEncoder(out)
	for range scenarios {
		s := draw(random)
		if err := s.play(random); err != nil {
			return err
		}
		if err := lines.Encode(s); err != nil {
			return fmt.Errorf("write a scenario: %w", err)
		}
	}
	return nil
}

// draw returns settings and a load that wanders, leaps and stops.
func draw(random *rand.Rand) Scenario {
	s := Scenario{
		Target:         []float64{.7, 1, 7, 70}[random.IntN(4)],
		UpRate:         []float64{1000, 1000, 10, 2, 1.1}[random.IntN(5)],
		DownRate:       []float64{2, 2, 1.5, 10}[random.IntN(4)],
		PanicThreshold: []float64{2, 2, 1.1, 1.5, 10}[random.IntN(5)],
		StableSeconds:  []int{60, 60, 6, 10, 30}[random.IntN(5)],
		DelaySeconds:   []int{0, 0, 4, 10, 30}[random.IntN(5)],
		Activation:     []int{0, 0, 2, 5}[random.IntN(4)],
		Weighted:       random.IntN(3) == 0,
	}
	s.PanicSeconds = max(1, int(math.Round(float64(s.StableSeconds)*[]float64{.1, .1, .2, .5}[random.IntN(4)])))
	load := 0.0
	for range seconds {
		switch random.IntN(25) {
		case 0:
			load = 0
		case 1:
			load = s.Target * float64(random.IntN(60))
		default:
			load = max(0, load+s.Target*(random.Float64()-.5))
		}
		s.Loads = append(s.Loads, math.Round(load*100)/100)
	}
	return s
}

// world is what Knative's autoscaler sees; it averages as Knative's metric collector does.
type world struct {
	ready          int
	stable, urgent window
}

type window interface {
	Record(now time.Time, value float64)
	WindowAverage(now time.Time) float64
}

func (w *world) ReadyCount() (int, error)    { return w.ready, nil }
func (w *world) NotReadyCount() (int, error) { return 0, nil }

func (w *world) StableAndPanicConcurrency(_ types.NamespacedName, now time.Time) (stable, urgent float64, err error) {
	return w.stable.WindowAverage(now), w.urgent.WindowAverage(now), nil
}

func (w *world) StableAndPanicRPS(key types.NamespacedName, now time.Time) (stable, urgent float64, err error) {
	return w.StableAndPanicConcurrency(key, now)
}

func (s *Scenario) window(length int) window {
	if s.Weighted {
		return aggregation.NewWeightedFloat64Buckets(time.Duration(length)*time.Second, bucket)
	}
	return aggregation.NewTimedFloat64Buckets(time.Duration(length)*time.Second, bucket)
}

// play lets the scenario's time pass. Pods follow what is wanted, some of them late.
func (s *Scenario) play(random *rand.Rand) error {
	w := &world{stable: s.window(s.StableSeconds), urgent: s.window(s.PanicSeconds)}
	scaler := scaling.New(*attribute.EmptySet(), noop.NewMeterProvider(), "ns", "rev", w, w, &scaling.DeciderSpec{
		MaxScaleUpRate: s.UpRate, MaxScaleDownRate: s.DownRate, TargetValue: s.Target, TotalValue: s.Target,
		PanicThreshold: s.PanicThreshold, StableWindow: time.Duration(s.StableSeconds) * time.Second,
		ScaleDownDelay: time.Duration(s.DelaySeconds) * time.Second, Reachable: true, ActivationScale: int32(s.Activation),
	})
	log := zap.NewNop().Sugar()
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for second, load := range s.Loads {
		now := began.Add(time.Duration(second) * time.Second)
		w.stable.Record(now, load)
		w.urgent.Record(now, load)
		if second%tick != 0 {
			continue
		}
		result := scaler.Scale(log, now)
		if !result.ScaleValid {
			return fmt.Errorf("second %d has no valid decision", second)
		}
		stable, urgent := w.stable.WindowAverage(now), w.urgent.WindowAverage(now)
		s.Ticks = append(s.Ticks, [4]float64{float64(w.ready), stable, urgent, float64(result.DesiredPodCount)})
		if random.IntN(4) > 0 {
			w.ready = int(result.DesiredPodCount)
		}
	}
	return nil
}

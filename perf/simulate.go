package perf

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/perf/simulate"
	"hotpod.dev/pool"
)

// SimulateOptions say what is simulated.
type SimulateOptions struct {
	// Trace is a folder or a file, see simulate.Read; empty takes the sample.
	Trace string
	// Limit is the number of requests inside a pod, FixedPool the number of warm pods of Fission's pool, Seed where
	// requests come within their minute.
	Limit, FixedPool int
	Seed             uint64
	// Start is how long a pod takes to start.
	Start time.Duration
	// Pictures is the folder for pictures, empty for none; Function the one that is drawn beside the sum, empty for
	// that with the most requests; From and Length the part of the day.
	Pictures, Function string
	From, Length       time.Duration
}

func (c *Config) simulateFlags(fs *flag.FlagSet) {
	o := &c.Simulate
	c.countFlag(fs, &o.Limit, "per-pod", v1.DefaultRequestsPerPod, "simulate: requests inside a pod at a time")
	c.countFlag(fs, &o.FixedPool, "fixed-pool", 20, "simulate: warm pods of Fission's pool; ours follows its claims")
	fs.Uint64Var(&o.Seed, "minute-seed", 1, "simulate: where requests come within their minute")
	c.durationFlag(fs, &o.Start, "pod-start", 3*time.Second, time.Hour, "simulate: time that a pod takes to start")
	fs.StringVar(&o.Pictures, "pictures", "", "simulate: folder for pictures")
	fs.StringVar(&o.Function, "function", "", "simulate: the function that is drawn (default: that with the most requests)")
	fs.DurationVar(&o.From, "from", 0, "simulate: begin of the pictures")
	c.durationFlag(fs, &o.Length, "length", 24*time.Hour, 240*time.Hour, "simulate: length of the pictures")
}

// trace is where the operand of the scenario goes.
func (c *Config) trace() *string { return &c.Simulate.Trace }

// idles are the settings that each contestant is simulated with.
func idles() []time.Duration {
	const s, m = time.Second, time.Minute
	return []time.Duration{10 * s, 30 * s, m, 90 * s, 2 * m, 3 * m, 5 * m, 10 * m, 20 * m}
}

// simulation is one run of the scenario.
type simulation struct {
	options  SimulateOptions
	trace    *simulate.Trace
	requests []simulate.Request
	ideal    time.Duration
	function int
	points   []simulate.Point
}

// Simulate plays a trace against the law and the pool, and against the rules of others.
func Simulate(_ context.Context, c Config, r *Results, log *slog.Logger) error {
	s := simulation{options: c.Simulate}
	if err := s.load(); err != nil {
		return err
	}
	log.Info("trace is read", "functions", len(s.trace.Functions), "requests", len(s.requests), "length", s.trace.Length())
	base := simulate.Setting{
		Limit: s.options.Limit, Start: s.options.Start, Pool: v1.DefaultPoolsize, FixedPool: s.options.FixedPool, PerFunction: v1.DefaultConcurrency,
		MaxPods: 100 * pool.DefaultMaxPods,
	}
	began := time.Now()
	var err error
	s.points, err = simulate.Sweep(base, idles(), s.requests, len(s.trace.Functions), s.trace.Length(), runtime.GOMAXPROCS(0), s.draw)
	if err != nil {
		return err
	}
	log.Info("simulated", "runs", len(s.points), "took", time.Since(began).Round(time.Millisecond))
	s.add(r)
	if s.options.Pictures == "" {
		return nil
	}
	return s.picture()
}

// load reads the trace.
func (s *simulation) load() (err error) {
	if s.options.Trace == "" {
		s.trace, err = simulate.Sample()
	} else {
		s.trace, err = simulate.Read(s.options.Trace)
	}
	if err != nil {
		return err
	}
	s.requests = s.trace.Requests(s.options.Seed)
	if len(s.requests) == 0 {
		return errors.New("the trace has no requests")
	}
	s.ideal = simulate.Ideal(s.requests, len(s.trace.Functions), s.options.Limit)
	s.function = slices.IndexFunc(s.trace.Functions, func(f simulate.Function) bool { return f.Name == s.options.Function })
	switch {
	case s.options.Function == "":
		s.function = s.trace.Largest(s.requests, 1)[0]
	case s.function < 0:
		return fmt.Errorf("the trace has no function %q", s.options.Function)
	}
	return nil
}

// draw has each contestant drawn with its own setting.
func (s *simulation) draw(c simulate.Contestant, idle time.Duration) *simulate.Picture {
	if s.options.Pictures == "" || idle != c.Default {
		return nil
	}
	return simulate.NewPicture(s.function, s.options.From, min(s.options.Length, s.trace.Length()-s.options.From))
}

func (s *simulation) add(r *Results) {
	perPod := strconv.Itoa(s.options.Limit)
	r.addAll(Row{Scenario: "simulate", Contestant: "trace", Parameters: map[string]string{"per_pod": perPod}},
		metric{"functions", "functions", one(float64(len(s.trace.Functions)))},
		metric{"requests", "requests", one(float64(len(s.requests)))},
		metric{"ideal", "pod-hours", one(s.ideal.Hours())})
	for _, p := range s.points {
		s.addPoint(r, p, perPod)
	}
	for _, c := range simulate.Contestants() {
		if c.Name != simulate.NameHotpod && c.Name != simulate.NameWindow {
			s.addBeside(r, c.Name, perPod)
		}
	}
}

// addBeside compares our curve with another's.
func (s *simulation) addBeside(r *Results, theirs, perPod string) {
	row := Row{Scenario: "simulate", Contestant: simulate.NameWindow, Parameters: map[string]string{"per_pod": perPod, "beside": theirs}}
	for _, kind := range []struct {
		name  string
		share func(*simulate.Outcome) float64
	}{
		{"slow_starts", slowStarts}, {"waits", waits}, {"cold_starts", (*simulate.Outcome).ColdShare},
	} {
		if ratios := simulate.Beside(s.points, simulate.NameWindow, theirs, kind.share); len(ratios) > 0 {
			r.addAll(row,
				metric{"least_" + kind.name + "_at_equal_pod_seconds", "times theirs", one(slices.Min(ratios))},
				metric{"most_" + kind.name + "_at_equal_pod_seconds", "times theirs", one(slices.Max(ratios))})
		}
	}
}

// slow is a wait that people notice.
const slow = 50 * time.Millisecond

func slowStarts(o *simulate.Outcome) float64 { return o.LongWaits(slow) }

func waits(o *simulate.Outcome) float64 { return o.LongWaits(0) }

func (s *simulation) addPoint(r *Results, p simulate.Point, perPod string) {
	o := &p.Outcome
	ms := func(d time.Duration) []float64 { return one(float64(d) / float64(time.Millisecond)) }
	ofIdeal := func(d time.Duration) []float64 { return one(100 * float64(d) / float64(s.ideal)) }
	r.addAll(Row{Scenario: "simulate", Contestant: p.Contestant, Parameters: map[string]string{"per_pod": perPod, "idle": short(p.Idle)}},
		metric{"cold_starts", "%", one(100 * o.ColdShare())},
		metric{"slow_starts", "%", one(100 * slowStarts(o))},
		metric{"waits", "%", one(100 * waits(o))},
		metric{"wait_p50", "ms", ms(o.Wait(.5))},
		metric{"wait_p99", "ms", ms(o.Wait(.99))},
		metric{"wait_mean", "ms", ms(o.MeanWait())},
		metric{"waits_over_1_s", "%", one(100 * o.LongWaits(time.Second))},
		metric{"pod_seconds", "% of ideal", ofIdeal(o.PodTime)},
		metric{"over_scale", "% of ideal", ofIdeal(o.Over)},
		metric{"under_scale", "% of ideal", ofIdeal(o.Under)},
		metric{"pods_started", "pods", one(float64(o.Started))})
}

// short renders a duration without parts that are zero.
func short(d time.Duration) string {
	if d >= time.Minute && d%time.Minute == 0 {
		return strconv.Itoa(int(d/time.Minute)) + "m"
	}
	return d.String()
}

// picture writes the pictures.
func (s *simulation) picture() error {
	if err := os.MkdirAll(s.options.Pictures, 0o750); err != nil {
		return fmt.Errorf("make the folder of the pictures: %w", err)
	}
	var sums, ones []simulate.Chart
	for _, p := range s.points {
		if p.Picture == nil {
			continue
		}
		name := p.Contestant + ", idle " + short(p.Idle) + ": "
		sums = append(sums, overTime(name+"all functions", p.Picture.Sum))
		ones = append(ones, overTime(name+s.trace.Functions[s.function].Name, p.Picture.One))
	}
	return errors.Join(
		s.write("all.svg", sums...), s.write("function.svg", ones...), s.write("cold-starts.svg", s.curves()))
}

func (s *simulation) write(name string, charts ...simulate.Chart) (err error) {
	f, err := os.Create(filepath.Join(s.options.Pictures, name))
	if err != nil {
		return fmt.Errorf("make picture: %w", err)
	}
	return errors.Join(simulate.Draw(f, charts...), f.Close())
}

// overTime is the chart of load, wanted and ready pods.
func overTime(title string, c *simulate.Curve) simulate.Chart {
	x := make([]float64, len(c.Load))
	for i := range x {
		x[i] = (c.From + time.Duration(i)*c.Step).Hours()
	}
	return simulate.Chart{Title: title, X: "hours", Y: "requests, pods", Lines: []simulate.Line{
		{Name: "load", X: x, Y: c.Load}, {Name: "wanted", X: x, Y: c.Wanted}, {Name: "ready", X: x, Y: c.Ready, Dashed: true},
	}}
}

// curves is the chart of cold starts over pod-seconds.
func (s *simulation) curves() simulate.Chart {
	chart := simulate.Chart{Title: "cold starts, by how long idle pods are kept", X: "pod-seconds, times the ideal", Y: "cold starts, %", LogX: true, LogY: true}
	for _, c := range simulate.Contestants() {
		l := simulate.Line{Name: c.Name}
		for _, p := range s.points {
			if p.Contestant == c.Name {
				l.X = append(l.X, float64(p.Outcome.PodTime)/float64(s.ideal))
				l.Y = append(l.Y, 100*p.Outcome.ColdShare())
				l.Labels = append(l.Labels, short(p.Idle))
			}
		}
		chart.Lines = append(chart.Lines, l)
	}
	return chart
}

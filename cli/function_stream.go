package cli

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
)

// streamFlags are a function's bounds of streams, with Fission's names, and its pods that are kept ahead of requests.
type streamFlags struct {
	on                  bool
	protocol            string
	idle, longest, kept int
	windows             []string
}

func (o *streamFlags) add(f *pflag.FlagSet) {
	f.BoolVar(&o.on, "streaming", false, "let streams live longer than --fntimeout; --streaming=false takes that back")
	f.StringVar(&o.protocol, "streamingprotocol", "auto", "auto, sse, chunked or websocket; without effect, all pass as they come")
	f.IntVar(&o.idle, "streamingidletimeout", 0, "seconds without a byte that end a stream (default 60)")
	f.IntVar(&o.longest, "streamingmaxduration", 0, "seconds that a stream may take; 0 for no bound")
	f.IntVar(&o.kept, "provisioned-concurrency", 0, "hot pods kept ahead of requests (poolmgr); 0 for none any more")
	f.StringArrayVar(&o.windows, "provisioned-window", nil,
		`times with another number of them, as "NAME;CRON;DURATION;PODS", for example "day;CRON_TZ=Europe/Zurich 0 8 * * MON-FRI;10h;5"`)
}

// apply sets what was given; the rest stays.
func (o *streamFlags) apply(f *pflag.FlagSet, s *v1.FunctionSpec) error {
	if err := o.applyStreaming(f, s); err != nil {
		return err
	}
	return o.applyProvisioned(f, s)
}

func (o *streamFlags) applyStreaming(f *pflag.FlagSet, s *v1.FunctionSpec) error {
	bounded := f.Changed("streamingprotocol") || f.Changed("streamingidletimeout") || f.Changed("streamingmaxduration")
	switch {
	case f.Changed("streaming") && !o.on && bounded:
		return usagef("--streaming=false and bounds of streams exclude each other")
	case f.Changed("streaming") && !o.on:
		s.Streaming = nil
		return nil
	case !o.on && !bounded:
		return nil
	case o.idle < 0 || o.longest < 0:
		return usagef("--streamingidletimeout and --streamingmaxduration are seconds, 0 or more")
	}
	if s.Streaming == nil {
		s.Streaming = &v1.StreamingConfig{}
	}
	if f.Changed("streamingprotocol") {
		s.Streaming.Protocol = o.protocol
	}
	if f.Changed("streamingidletimeout") {
		s.Streaming.IdleTimeoutSeconds = o.idle
	}
	if f.Changed("streamingmaxduration") {
		s.Streaming.MaxDurationSeconds = o.longest
	}
	return nil
}

func (o *streamFlags) applyProvisioned(f *pflag.FlagSet, s *v1.FunctionSpec) error {
	if f.Changed("provisioned-concurrency") {
		switch {
		case o.kept < 0:
			return usagef("--provisioned-concurrency is %d: it cannot be negative", o.kept)
		case o.kept == 0 && len(o.windows) > 0:
			return usagef("--provisioned-window needs --provisioned-concurrency above 0: the pods kept at all other times")
		case o.kept == 0:
			s.ProvisionedConcurrency = nil
			return nil
		case s.ProvisionedConcurrency == nil:
			s.ProvisionedConcurrency = &v1.ProvisionedConcurrency{}
		}
		s.ProvisionedConcurrency.Target = o.kept
	}
	if !f.Changed("provisioned-window") {
		return nil
	}
	if s.ProvisionedConcurrency == nil {
		return usagef("--provisioned-window needs --provisioned-concurrency: the pods kept at all other times")
	}
	s.ProvisionedConcurrency.Windows = nil
	for _, text := range o.windows {
		w, ok := windowOf(text)
		if !ok {
			return usagef(`--provisioned-window %q: write it as "NAME;CRON;DURATION;PODS"`, text)
		}
		s.ProvisionedConcurrency.Windows = append(s.ProvisionedConcurrency.Windows, w)
	}
	return nil
}

// windowOf reads "NAME;CRON;DURATION;PODS".
func windowOf(text string) (w v1.ProvisionedWindow, ok bool) {
	parts := strings.Split(text, ";")
	if len(parts) != 4 || parts[0] == "" {
		return w, false
	}
	duration, err1 := time.ParseDuration(parts[2])
	pods, err2 := strconv.Atoi(parts[3])
	w = v1.ProvisionedWindow{Name: parts[0], Start: parts[1], Duration: metav1.Duration{Duration: duration}, Target: pods}
	_, err3 := w.Opens()
	return w, err1 == nil && err2 == nil && err3 == nil && duration > 0 && pods >= 0
}

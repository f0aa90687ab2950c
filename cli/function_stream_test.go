package cli

import (
	"testing"
	"time"

	"github.com/spf13/pflag"

	v1 "hotpod.dev/api/v1"
)

// streams applies flags to a function that has all of it already, or nothing.
func streams(t *testing.T, has bool, args ...string) (s v1.FunctionSpec, err error) {
	t.Helper()
	var o streamFlags
	f := pflag.NewFlagSet("test", pflag.ContinueOnError)
	o.add(f)
	if err := f.Parse(args); err != nil {
		t.Fatal(err)
	}
	if has {
		s.Streaming = &v1.StreamingConfig{IdleTimeoutSeconds: 7, MaxDurationSeconds: 70}
		s.ProvisionedConcurrency = &v1.ProvisionedConcurrency{Target: 3, Windows: []v1.ProvisionedWindow{{Name: "old"}}}
	}
	return s, o.apply(f, &s)
}

func TestStreams_SetWhatWasGivenAndLeaveTheRest(t *testing.T) {
	for _, has := range []bool{false, true} {
		if s, err := streams(t, has); err != nil || (s.Streaming != nil) != has || (s.ProvisionedConcurrency != nil) != has {
			t.Errorf("without flags: %+v, %+v, %v", s.Streaming, s.ProvisionedConcurrency, err)
		}
	}
	if s, err := streams(t, false, "--streaming"); err != nil || s.Streaming == nil || *s.Streaming != (v1.StreamingConfig{}) {
		t.Errorf("--streaming: %+v, %v", s.Streaming, err)
	}
	s, err := streams(t, true, "--streamingidletimeout", "5", "--streamingprotocol", "sse")
	if err != nil || *s.Streaming != (v1.StreamingConfig{Protocol: "sse", IdleTimeoutSeconds: 5, MaxDurationSeconds: 70}) {
		t.Errorf("bounds: %+v, %v", s.Streaming, err)
	}
	if s, err := streams(t, true, "--streaming=false"); err != nil || s.Streaming != nil {
		t.Errorf("taken back: %+v, %v", s.Streaming, err)
	}
}

func TestProvisioned_ReadsNumbersAndWindows(t *testing.T) {
	s, err := streams(t, false, "--provisioned-concurrency", "2", "--provisioned-window", "day;CRON_TZ=Europe/Zurich 0 8 * * MON-FRI;10h;5")
	if err != nil || s.ProvisionedConcurrency.Target != 2 || len(s.ProvisionedConcurrency.Windows) != 1 {
		t.Fatalf("%+v, %v", s.ProvisionedConcurrency, err)
	}
	w := s.ProvisionedConcurrency.Windows[0]
	if w.Name != "day" || w.Start != "CRON_TZ=Europe/Zurich 0 8 * * MON-FRI" || w.Duration.Duration != 10*time.Hour || w.Target != 5 {
		t.Errorf("window %+v", w)
	}
	if s, err := streams(t, true, "--provisioned-concurrency", "4"); err != nil || s.ProvisionedConcurrency.Target != 4 || len(s.ProvisionedConcurrency.Windows) != 1 {
		t.Errorf("another number: %+v, %v", s.ProvisionedConcurrency, err)
	}
	if s, err := streams(t, true, "--provisioned-concurrency", "0"); err != nil || s.ProvisionedConcurrency != nil {
		t.Errorf("taken back: %+v, %v", s.ProvisionedConcurrency, err)
	}
}

func TestStreams_RefuseWhatMakesNoSense(t *testing.T) {
	for _, args := range [][]string{
		{"--streaming=false", "--streamingidletimeout", "5"},
		{"--streamingidletimeout", "-1"},
		{"--streamingmaxduration", "-1"},
		{"--provisioned-concurrency", "-1"},
		{"--provisioned-window", "day;0 8 * * *;10h;5"},
		{"--provisioned-concurrency", "0", "--provisioned-window", "day;0 8 * * *;10h;5"},
		{"--provisioned-concurrency", "1", "--provisioned-window", "0 8 * * *;10h;5"},
		{"--provisioned-concurrency", "1", "--provisioned-window", "day;often;10h;5"},
		{"--provisioned-concurrency", "1", "--provisioned-window", "day;0 8 * * *;1d;5"},
		{"--provisioned-concurrency", "1", "--provisioned-window", "day;0 8 * * *;10h;some"},
	} {
		if _, err := streams(t, false, args...); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
}

package autoscaler

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"hotpod.dev/wire"
)

func TestParseReport_UnderstandsWhatQueueProxiesWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.Uint64Range(0, 1e17)
		want := wire.Report{
			UptimeMillis: rapid.Int64Range(0, 1e15).Draw(t, "uptime"), Concurrency: rapid.Float64Range(0, 1e6).Draw(t, "concurrency"),
			InFlight: rapid.IntRange(0, 1e6).Draw(t, "inFlight"), Waiting: rapid.IntRange(0, 1e6).Draw(t, "waiting"),
			Draining: rapid.Bool().Draw(t, "draining"), Broken: rapid.Bool().Draw(t, "broken"),
			Refused: count.Draw(t, "refused"), DurationMicros: count.Draw(t, "micros"),
		}
		for i := range want.Requests {
			want.Requests[i] = count.Draw(t, "requests")
		}
		for i := range want.Buckets {
			want.Buckets[i] = count.Draw(t, "bucket")
		}
		line, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := parseUsual(line); !ok || got != want {
			t.Fatalf("%s is read as %+v, %v", line, got, ok)
		}
		// Cut or broken anywhere it is no report, whichever way it takes.
		cut := line[:rapid.IntRange(0, len(line)-1).Draw(t, "cut")]
		if r, err := parseReport(cut); err == nil {
			t.Fatalf("%s is read as %+v", cut, r)
		}
	})
}

func TestParseReport_UnderstandsOtherForms(t *testing.T) {
	for _, line := range []string{
		`{"concurrency": 2.5, "uptimeMillis": 7}`,
		`{"uptimeMillis":7,"concurrency":2.5,"inFlight":0,"waiting":0,"news":[1],"requests":[0,0,0,0,0,0],"refused":0}`,
	} {
		if r, err := parseReport([]byte(line)); err != nil || r.UptimeMillis != 7 || r.Concurrency != 2.5 {
			t.Errorf("%s is read as %+v, %v", line, r, err)
		}
	}
	for _, line := range []string{``, `{}x`, `{"uptimeMillis":99999999999999999999}`, `[]`} {
		if r, err := parseReport([]byte(line)); err == nil {
			t.Errorf("%q is read as %+v", line, r)
		}
	}
}

package proxy

import (
	"testing"
	"time"
)

func TestGRPCTimeout_ReadsWhatClientsSend(t *testing.T) {
	for v, want := range map[string]time.Duration{
		"1H": time.Hour, "2M": 2 * time.Minute, "30S": 30 * time.Second, "200m": 200 * time.Millisecond,
		"99999999u": 99999999 * time.Microsecond, "5n": 5, "": -1, "S": -1, "5": -1, "5x": -1, "-1S": -1, "123456789S": -1, "99999999H": -1,
	} {
		got, ok := grpcTimeout(v)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%q = %v, want %v", v, got, want)
		}
	}
}

package perf

import "testing"

func TestLogs_EveryLineIsStored(t *testing.T) {
	r := byCommand(t, "logger", "logs", "--lines=500", "--writing-pods=5", "--writing=1s")
	at := map[string]string{"pods": "5", "lines": "500", "database": "sqlite"}
	if v := find(t, r, nameOurs, "missing", at); v != 0 {
		t.Errorf("%v lines are missing", v)
	}
	for _, metric := range []string{"written", "behind", "resident"} {
		if v := find(t, r, nameOurs, metric, at); v <= 0 {
			t.Errorf("%s is %v", metric, v)
		}
	}
}

package contract

import "testing"

func TestRun_TellsHowACheckEnded(t *testing.T) {
	cleaned := false
	for name, c := range map[string]struct {
		run     func(t T, l Language)
		outcome Outcome
		detail  string
	}{
		"passes":          {func(t T, _ Language) { t.Helper() }, Passed, ""},
		"fails and ends":  {func(t T, _ Language) { t.Cleanup(func() { cleaned = true }); t.Fatalf("no %s", "answer") }, Failed, "no answer"},
		"fails, goes on":  {func(t T, _ Language) { t.Error("one"); t.Errorf("two") }, Failed, "one\ntwo"},
		"does not apply":  {func(t T, l Language) { l.source(t, "missing") }, Skipped, "there is no test function missing.* in /nowhere"},
		"logs and passes": {func(t T, _ Language) { t.Logf("a note") }, Passed, "a note"},
	} {
		got := Run(t.Context(), Check{"area", name, true, c.run}, Language{Functions: "/nowhere"})
		want := Result{Area: "area", Check: name, Required: true, Outcome: c.outcome, Detail: c.detail}
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if !cleaned {
		t.Error("cleanups did not run")
	}
}

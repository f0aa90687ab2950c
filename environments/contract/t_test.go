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
		"does not apply":  {func(t T, l Language) { l.source(t, "missing") }, Missing, "there is no test function missing.* in /nowhere"},
		"logs and passes": {func(t T, _ Language) { t.Logf("a note") }, Passed, "a note"},
	} {
		got := Run(t.Context(), Check{"area", name, true, c.run}, Language{Functions: "/nowhere"})
		want := Result{Area: "area", Check: name, Required: true, Outcome: c.outcome, Detail: c.detail}
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	excluded := Language{Traits: Traits{Cannot: map[string]string{"area: it": "no threads"}}}
	if got := Run(t.Context(), Check{Area: "area", Name: "it"}, excluded); got.Outcome != Excluded || got.Detail != "no threads" {
		t.Errorf("got %+v", got)
	}
	if !cleaned {
		t.Error("cleanups did not run")
	}
}

func TestRunAll_TellsInOrderAndJudgesWhatIsRequired(t *testing.T) {
	passes := func(T, Language) {}
	fails := func(t T, _ Language) { t.Fatal("no") }
	lacks := func(t T, l Language) { l.source(t, "missing") }
	for name, c := range map[string]struct {
		checks    []Check
		fulfilled bool
	}{
		"all passed":              {[]Check{{"a", "1", true, passes}, {"a", "2", false, passes}}, true},
		"recommended ones failed": {[]Check{{"a", "1", true, passes}, {"a", "2", false, fails}}, true},
		"a required one failed":   {[]Check{{"a", "1", true, fails}, {"a", "2", true, passes}}, false},
		"a function is missing":   {[]Check{{"a", "1", true, lacks}, {"a", "2", true, passes}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var told []string
			results := RunAll(t.Context(), c.checks, Language{Functions: "/nowhere"}, 2, func(r Result) { told = append(told, r.Check) })
			if len(told) != 2 || told[0] != "1" || told[1] != "2" {
				t.Errorf("told %v", told)
			}
			if Fulfilled(results) != c.fulfilled {
				t.Errorf("fulfilled: %v", results)
			}
		})
	}
}

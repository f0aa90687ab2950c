package law

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	v1 "hotpod.dev/api/v1"
)

func provision(base int, windows ...v1.ProvisionedWindow) *v1.ProvisionedConcurrency {
	return &v1.ProvisionedConcurrency{Target: base, Windows: windows}
}

func opening(start, length string, target int) v1.ProvisionedWindow {
	d, err := time.ParseDuration(length)
	if err != nil {
		panic(err)
	}
	return v1.ProvisionedWindow{Name: "w", Start: start, Duration: metav1.Duration{Duration: d}, Target: target}
}

func TestSchedule_WindowsReplaceTheBaseWhileTheyAreOpen(t *testing.T) {
	office := provision(1, opening("0 8 * * MON-FRI", "10h", 5))
	zurich := provision(1, opening("CRON_TZ=Europe/Zurich 0 8 * * *", "1h", 5))
	both := provision(1, opening("0 8 * * *", "4h", 3), opening("0 9 * * *", "1h", 9))
	for name, c := range map[string]struct {
		schedule *v1.ProvisionedConcurrency
		at       string
		want     int
		until    string // "" is a minute later
	}{
		"no windows":                         {provision(3), "2026-06-01T03:00:00Z", 3, ""},
		"before":                             {office, "2026-06-01T07:59:59Z", 1, "2026-06-01T08:00:00Z"},
		"at its beginning":                   {office, "2026-06-01T08:00:00Z", 5, ""},
		"inside":                             {office, "2026-06-01T12:00:00Z", 5, ""},
		"just before its end":                {office, "2026-06-01T17:59:30Z", 5, "2026-06-01T18:00:00Z"},
		"at its end":                         {office, "2026-06-01T18:00:00Z", 1, ""},
		"on a Sunday":                        {office, "2026-06-07T12:00:00Z", 1, ""},
		"over midnight":                      {provision(1, opening("0 23 * * *", "3h", 4)), "2026-06-02T01:00:00Z", 4, ""},
		"of two the one that wants more":     {both, "2026-06-01T09:30:00Z", 9, ""},
		"the longer one when the other ends": {both, "2026-06-01T10:00:00Z", 3, ""},
		"less than the base":                 {provision(5, opening("0 22 * * *", "8h", 0)), "2026-06-01T23:00:00Z", 0, ""},
		"a time zone in winter":              {zurich, "2026-01-15T07:30:00Z", 5, ""},
		"the same in summer":                 {zurich, "2026-07-15T06:30:00Z", 5, ""},
		"an hour too early in winter":        {zurich, "2026-01-15T06:30:00Z", 1, ""},
		"the day of the change to summer":    {zurich, "2026-03-29T06:30:00Z", 5, ""},
		"in the hour that comes twice":       {provision(1, opening("CRON_TZ=Europe/Zurich 30 2 * * *", "2h", 5)), "2026-10-25T01:45:00Z", 5, ""},
		"seconds":                            {provision(1, opening("*/20 * * * * *", "5s", 2)), "2026-06-01T00:00:22Z", 2, "2026-06-01T00:00:25Z"},
		"between them":                       {provision(1, opening("*/20 * * * * *", "5s", 2)), "2026-06-01T00:00:27Z", 1, "2026-06-01T00:00:40Z"},
		"a day that never comes":             {provision(1, opening("0 0 30 2 *", "1h", 2)), "2026-06-01T00:00:00Z", 1, ""},
		"longer than its period":             {provision(1, opening("0 * * * *", "2h", 2)), "2026-06-01T00:30:00Z", 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := NewSchedule(c.schedule)
			if err != nil {
				t.Fatal(err)
			}
			now, err := time.Parse(time.RFC3339, c.at)
			if err != nil {
				t.Fatal(err)
			}
			pods, until := s.At(now)
			want := now.Add(time.Minute).Format(time.RFC3339)
			if c.until != "" {
				want = c.until
			}
			if pods != c.want || until.Format(time.RFC3339) != want {
				t.Errorf("At = %d until %s, want %d until %s", pods, until.Format(time.RFC3339), c.want, want)
			}
		})
	}
}

func TestSchedule_LeavesOutWhatCannotBeRead(t *testing.T) {
	for _, start := range []string{"", "at eight", "61 * * * *", "TZ=Europe/Zurich", "CRON_TZ=", "CRON_TZ=Nowhere 0 8 * * *", "@every 1h", "* * * * * * *"} {
		s, err := NewSchedule(provision(2, opening(start, "1h", 9), opening("0 0 1 1 *", "1h", 4)))
		if err == nil || !strings.Contains(err.Error(), "of window w") {
			t.Errorf("%q: %v", start, err)
		}
		if pods, _ := s.At(noon); pods != 2 {
			t.Errorf("%q: %d pods", start, pods)
		}
	}
	if s, err := NewSchedule(nil); s != nil || err != nil {
		t.Errorf("nothing provisioned: %v, %v", s, err)
	}
}

// Whatever is asked until the time that At names has the same answer.
func TestSchedule_HoldsUntilItSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		starts := []string{"0 8 * * *", "*/7 * * * *", "*/13 * * * * *", "30 2 * * SUN", "CRON_TZ=America/New_York 0 0 1 * *", "@daily"}
		p := provision(rapid.IntRange(0, 9).Draw(t, "base"))
		for range rapid.IntRange(1, 4).Draw(t, "windows") {
			length := time.Duration(rapid.IntRange(1, 7200).Draw(t, "length")) * time.Second
			p.Windows = append(p.Windows, opening(rapid.SampledFrom(starts).Draw(t, "start"), length.String(), rapid.IntRange(0, 9).Draw(t, "target")))
		}
		s, err := NewSchedule(p)
		if err != nil {
			t.Fatal(err)
		}
		now := noon.Add(time.Duration(rapid.IntRange(0, 365*86400).Draw(t, "now")) * time.Second)
		pods, until := s.At(now)
		if !until.After(now) {
			t.Fatalf("At %s holds until %s", now, until)
		}
		between := now.Add(time.Duration(rapid.Int64Range(0, int64(until.Sub(now))-1).Draw(t, "between")))
		if other, _ := s.At(between); other != pods {
			t.Fatalf("At %s = %d until %s, but at %s it is %d", now, pods, until, between, other)
		}
	})
}

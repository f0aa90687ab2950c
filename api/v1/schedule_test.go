package v1_test

import (
	"strings"
	"testing"
	"time"

	v1 "hotpod.dev/api/v1"
)

func TestSchedule_IsWhatCronSays(t *testing.T) {
	at := func(s string) time.Time {
		out, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	origin := at("2026-03-28T00:00:30Z")
	for _, c := range []struct{ cron, zone, after, next string }{
		{"0 8 * * *", "", "2026-03-28T07:00:00Z", "2026-03-28T08:00:00Z"},
		{"15 0 8 * * *", "", "2026-03-28T08:00:00Z", "2026-03-28T08:00:15Z"},
		{"*/10 * * * * *", "", "2026-03-28T08:00:01Z", "2026-03-28T08:00:10Z"},
		{"0 8 * * *", "Europe/Zurich", "2026-03-28T07:30:00Z", "2026-03-29T06:00:00Z"}, // summer begins
		{"CRON_TZ=America/New_York 0 8 * * *", "", "2026-03-28T07:00:00Z", "2026-03-28T12:00:00Z"},
		{"@daily", "", "2026-03-28T07:00:00Z", "2026-03-29T00:00:00Z"},
		{"@every 90s", "", "2026-03-28T00:00:30Z", "2026-03-28T00:02:00Z"},
		{"@every 90s", "", "2026-03-28T00:02:00Z", "2026-03-28T00:03:30Z"},
		{"@every 90s", "", "2026-03-27T00:00:00Z", "2026-03-28T00:02:00Z"},
	} {
		s, err := (&v1.TimeTrigger{Spec: v1.TimeTriggerSpec{Cron: c.cron, TimeZone: c.zone}}).Schedule()
		if err != nil {
			t.Errorf("%s: %v", c.cron, err)
			continue
		}
		if got := s.Next(origin, at(c.after)); !got.Equal(at(c.next)) {
			t.Errorf("%s %s after %s: %s, want %s", c.cron, c.zone, c.after, got, c.next)
		}
	}
	for cron, want := range map[string]string{
		"": "is empty", "61 * * * *": "cannot be read", "0 0 30 2 *": "never comes", "@reboot": "cannot be read", "CRON_TZ=UTC": "cannot be read",
	} {
		if _, err := (&v1.TimeTrigger{Spec: v1.TimeTriggerSpec{Cron: cron}}).Schedule(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", cron, err)
		}
	}
	for zone, cron := range map[string]string{"Mars/Olympus": "@daily", "UTC": "CRON_TZ=UTC @daily"} {
		if _, err := (&v1.TimeTrigger{Spec: v1.TimeTriggerSpec{Cron: cron, TimeZone: zone}}).Schedule(); err == nil {
			t.Errorf("%s in %s was taken", cron, zone)
		}
	}
}

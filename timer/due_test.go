package timer_test

import (
	"testing"
	"time"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/timer"
)

func TestDue_FollowsThePolicyForWhatWasMissed(t *testing.T) {
	base := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, cron, policy string
		after, now         time.Duration
		times, late        int
		skipped            int64
		next               time.Duration
	}{
		{"nothing is due", "0 * * * *", "once", 0, time.Minute, 0, 0, 0, time.Hour},
		{"one is due", "* * * * *", "skip", 0, time.Minute, 1, 0, 0, 2 * time.Minute},
		{"a short absence misses nothing", "* * * * * *", "skip", 0, 9 * time.Second, 9, 0, 0, 10 * time.Second},
		{"skip forgets", "* * * * *", "skip", 0, 10*time.Minute + 30*time.Second, 0, 0, 10, 11 * time.Minute},
		{"skip makes what is on time", "* * * * *", "skip", 0, 10 * time.Minute, 1, 0, 9, 11 * time.Minute},
		{"once makes the last", "* * * * *", "once", 0, 10*time.Minute + 30*time.Second, 1, 1, 9, 11 * time.Minute},
		{"once makes no second one", "* * * * *", "once", 0, 10 * time.Minute, 1, 0, 9, 11 * time.Minute},
		{"all makes all", "* * * * *", "all", 0, 10*time.Minute + 30*time.Second, 10, 10, 0, 11 * time.Minute},
		{"all is bounded", "@every 1s", "all", 0, 5000 * time.Second, 1000 + 11, 1000, 5000 - 1011, 5001 * time.Second},
		{"the look back is bounded", "0 0 * * *", "all", 0, 30 * 24 * time.Hour, 7, 7, 0, 30*24*time.Hour + 12*time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			trigger := &v1.TimeTrigger{Spec: v1.TimeTriggerSpec{Cron: c.cron}}
			s, err := trigger.Schedule()
			if err != nil {
				t.Fatal(err)
			}
			r := timer.Due(s, c.policy, base, base.Add(c.after), base.Add(c.now))
			if len(r.Times) != c.times || r.Late != c.late || r.Skipped != c.skipped || !r.Next.Equal(base.Add(c.next)) {
				t.Errorf("%d runs, %d late, %d skipped, next %s; want %d, %d, %d, %s", len(r.Times), r.Late, r.Skipped, r.Next,
					c.times, c.late, c.skipped, base.Add(c.next))
			}
			for i := 1; i < len(r.Times); i++ {
				if !r.Times[i].After(r.Times[i-1]) {
					t.Errorf("runs out of order: %v", r.Times)
				}
			}
		})
	}
}

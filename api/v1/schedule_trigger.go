package v1

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// MinEvery is the shortest time between two runs of a TimeTrigger.
const MinEvery = time.Second

// Schedule is when a TimeTrigger runs.
//
// +kubebuilder:object:generate=false
type Schedule struct {
	spec  cron.Schedule
	every time.Duration // of @every; 0 when spec says when
	zone  *time.Location
}

// Schedule returns when the trigger runs, or what is wrong with what it says.
func (t *TimeTrigger) Schedule() (Schedule, error) {
	s := Schedule{zone: time.UTC}
	expression := strings.TrimSpace(t.Spec.Cron)
	if expression == "" {
		return s, errors.New("is empty: say when, for example \"0 8 * * MON-FRI\" or @hourly")
	}
	if zone := t.Spec.TimeZone; zone != "" {
		if strings.HasPrefix(expression, "TZ=") || strings.HasPrefix(expression, "CRON_TZ=") {
			return s, errors.New("names a time zone, and so does timeZone: leave one of them out")
		}
		found, err := time.LoadLocation(zone)
		if err != nil || zone == "Local" {
			return s, fmt.Errorf("cannot be read: there is no zone %q; timeZone is a name such as Europe/Zurich or UTC", zone)
		}
		s.zone = found
	}
	parsed, err := parseAnyCron(expression)
	if err != nil {
		return s, fmt.Errorf("%q cannot be read: %w; cron has five fields (minute, hour, day of month, month, day of week), "+
			"six when seconds stand before, or is @hourly, @daily, @weekly, @monthly, @yearly or @every DURATION", t.Spec.Cron, err)
	}
	s.spec = parsed
	if d, ok := parsed.(cron.ConstantDelaySchedule); ok {
		s.every = d.Delay
	}
	if s.every == 0 && s.Next(time.Time{}, time.Now()).IsZero() {
		return s, fmt.Errorf("%q never comes within five years", t.Spec.Cron)
	}
	return s, nil
}

// Next returns the first time after t, zero when there is none within five years. What @every counts from is origin, the
// time when the trigger was made, so that a restart moves no run.
func (s Schedule) Next(origin, t time.Time) time.Time {
	if s.every > 0 {
		origin = origin.Truncate(time.Second)
		if t.Before(origin) {
			return origin.Add(s.every).UTC()
		}
		since := t.Sub(origin)
		return origin.Add(since - since%s.every + s.every).UTC()
	}
	next := s.spec.Next(t.In(s.zone))
	if next.IsZero() {
		return next
	}
	return next.UTC()
}

// Missed returns what MissedRuns means.
func (s *TimeTriggerSpec) Missed() string {
	if s.MissedRuns == "" {
		return MissedOnce
	}
	return s.MissedRuns
}

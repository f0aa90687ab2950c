package v1

import (
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // images have no time zones

	"github.com/robfig/cron/v3"
)

const cronMessage = "start is a cron expression: minute, hour, day of month, month and day of week, such as \"0 8 * * MON-FRI\"; " +
	"seconds may stand before, and before all a time zone, such as CRON_TZ=Europe/Zurich"

// Opens returns the first time after t at which the window opens, zero when there is none within five years. Where
// the expression names no time zone it is UTC.
func (w *ProvisionedWindow) Opens() (func(t time.Time) time.Time, error) {
	s, err := parseCron(w.Start)
	if err != nil {
		return nil, fmt.Errorf("read start %q of window %s: %w", w.Start, w.Name, err)
	}
	return func(t time.Time) time.Time { return s.Next(t.UTC()) }, nil
}

func parseCron(expression string) (cron.Schedule, error) {
	s, err := parseAnyCron(expression)
	if err != nil {
		return nil, err
	}
	if _, ok := s.(*cron.SpecSchedule); !ok {
		return nil, errors.New("@every has no beginning to count from")
	}
	return s, nil
}

// parseAnyCron reads an expression of any form, @every too.
func parseAnyCron(expression string) (cron.Schedule, error) {
	expression = strings.TrimSpace(expression)
	if strings.Contains(expression, "TZ=") && !strings.Contains(expression, " ") {
		return nil, errors.New("only a time zone") // the parser would panic
	}
	fields := cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor
	return cron.NewParser(fields).Parse(expression)
}

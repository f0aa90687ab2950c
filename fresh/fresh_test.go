package fresh_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hotpod.dev/fresh"
)

func TestValue_IsReadAgainAfterAMomentAndKeptWhenItCannotBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		reads, next, fails := 0, 1, true
		v := fresh.New("the number", slog.New(slog.NewTextHandler(&log, nil)), func() (int, error) {
			reads++
			if fails {
				return 0, errors.New("no such file")
			}
			return next, nil
		})
		want := func(n, looks int, ok bool) {
			t.Helper()
			if got, err := v.Get(); got != n || (err == nil) != ok || reads != looks {
				t.Fatalf("%d, %v after %d looks, want %d, %v after %d", got, err, reads, n, ok, looks)
			}
		}
		want(0, 1, false)
		want(0, 2, false)
		fails = false
		want(1, 3, true)
		next = 2
		want(1, 3, true)
		time.Sleep(2 * time.Second)
		want(2, 4, true)
		fails = true
		for looks := 5; looks < 8; looks++ {
			time.Sleep(2 * time.Second)
			want(2, looks, true)
		}
		if n := strings.Count(log.String(), `of="the number"`); n != 2 {
			t.Errorf("%d warnings, want one for each time that it began to fail:\n%s", n, log.String())
		}
	})
}

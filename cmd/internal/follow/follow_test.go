package follow

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

func TestSecret_IsReadSoonUntilItIsThereAndThenLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		begun := time.Now()
		var at []time.Duration
		err := Secret(ctx, slog.New(slog.DiscardHandler), time.Minute, func(context.Context) (bool, error) {
			at = append(at, time.Since(begun))
			switch len(at) {
			case 1:
				return false, errors.New("not now")
			case 2:
				return false, nil
			case 4:
				cancel()
			}
			return true, nil
		})
		want := []time.Duration{0, soon, 2 * soon, 2*soon + time.Minute}
		for i, d := range want {
			if i >= len(at) || at[i] != d {
				t.Fatalf("read at %v, want %v", at, want)
			}
		}
		if err != nil {
			t.Error(err)
		}
	})
}

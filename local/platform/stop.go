package platform

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"
)

// stopTimeout bounds an orderly stop: pods have ten seconds, the control plane has less.
const stopTimeout = 40 * time.Second

// Down stops the platform in the folder and returns when nothing of it runs. It reports whether one was running; when
// an earlier one was killed, it ends what that left.
func Down(ctx context.Context, dir string, log *slog.Logger) (wasRunning bool, err error) {
	l := Layout(dir)
	if _, err := os.Stat(l.Lock()); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	held, err := acquire(l)
	if _, running := errors.AsType[*RunningError](err); running {
		wasRunning = true
		held, err = stopHolder(ctx, l)
	}
	if err != nil {
		return wasRunning, err
	}
	defer held.release()
	last, err := ReadState(l)
	if err != nil {
		return wasRunning, err
	}
	if err := endLeftovers(l, last, log); err != nil {
		return wasRunning, fmt.Errorf("end what was left: %w", err)
	}
	if last.Phase == "" || last.Phase == Stopped {
		return wasRunning, nil
	}
	file := &stateFile{path: l.State(), state: last}
	return wasRunning, file.update(func(s *State) { s.Phase, s.Since, s.Problem, s.Processes = Stopped, time.Now(), "", nil })
}

// stopHolder asks the process that holds the folder to stop, waits until it lets go, and kills it when it does not.
func stopHolder(ctx context.Context, l Layout) (*lock, error) {
	supervisor := holder(l)
	ended := make(chan error, 1)
	go func() { ended <- supervisor.End(stopTimeout) }()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case err := <-ended:
		if err != nil {
			return nil, fmt.Errorf("stop the platform: %w", err)
		}
	}
	return acquire(l)
}

// Reset stops the platform and deletes its folder with everything in it.
func Reset(ctx context.Context, dir string, log *slog.Logger) error {
	l := Layout(dir)
	if _, err := os.Stat(l.Lock()); errors.Is(err, fs.ErrNotExist) {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
			return nil
		}
		return errors.Join(fmt.Errorf("%s is not the data folder of a platform: nothing was deleted", dir), err)
	}
	if _, err := Down(ctx, dir, log); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("delete the data folder: %w", err)
	}
	return nil
}

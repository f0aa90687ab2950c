package platform

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"

	"hotpod.dev/local/process"
)

// RunningError says that another process uses the folder.
type RunningError struct {
	// Dir is the folder.
	Dir string
	// PID is the process that uses it; 0 when it has not said so yet.
	PID int
}

// Error names the process and the ways out.
func (e *RunningError) Error() string {
	return fmt.Sprintf("a platform already runs in %s (process %d): stop it by \"hotpod down\", or use another folder by --dir", e.Dir, e.PID)
}

// lock is held by the running platform. The kernel lets go of it when the process ends, however it ends.
type lock struct{ file *os.File }

// acquire takes the folder or returns a RunningError.
func acquire(l Layout) (*lock, error) {
	f, err := os.OpenFile(l.Lock(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock file: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", l.Lock(), err)
		}
		return nil, &RunningError{Dir: string(l), PID: holder(l).PID}
	}
	k := &lock{file: f}
	if err := k.sign(); err != nil {
		return nil, errors.Join(fmt.Errorf("write the lock file: %w", err), f.Close())
	}
	return k, nil
}

// sign writes into the file who holds it.
func (k *lock) sign() error {
	identity, err := process.Identify(os.Getpid())
	if err != nil {
		return err
	}
	text, err := json.Marshal(identity)
	if err != nil {
		return err
	}
	if err := k.file.Truncate(0); err != nil {
		return err
	}
	_, err = k.file.WriteAt(text, 0)
	return err
}

func (k *lock) release() { _ = k.file.Close() }

// holder returns who last held the lock; a zero identity when nobody can be read from the file.
func holder(l Layout) process.Identity {
	var identity process.Identity
	text, err := os.ReadFile(l.Lock())
	if err != nil || json.Unmarshal(text, &identity) != nil {
		return process.Identity{}
	}
	return identity
}

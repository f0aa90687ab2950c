package platform

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

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

// letGoTime is how long a process that has ended may still hold the lock, while the kernel tears it down.
const letGoTime = 5 * time.Second

// acquire takes the folder or returns a RunningError.
func acquire(l Layout) (*lock, error) {
	f, err := os.OpenFile(l.Lock(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock file: %w", err)
	}
	k := &lock{file: f}
	err = k.take(l)
	if err == nil {
		err = k.sign()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return k, nil
}

// take locks the file. It waits for a holder that is dead or has not signed yet, and for no other.
func (k *lock) take(l Layout) error {
	deadline := time.Now().Add(letGoTime)
	for {
		err := syscall.Flock(int(k.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("lock %s: %w", l.Lock(), err)
		}
		if by := holder(l); by.Alive() || time.Now().After(deadline) {
			return &RunningError{Dir: string(l), PID: by.PID}
		}
		time.Sleep(5 * time.Millisecond)
	}
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
		return fmt.Errorf("write the lock file: %w", err)
	}
	if _, err := k.file.WriteAt(text, 0); err != nil {
		return fmt.Errorf("write the lock file: %w", err)
	}
	return nil
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

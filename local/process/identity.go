package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Identity names one process for good: ids are used again, but not with the same start time.
type Identity struct {
	// PID is the process id; 0 means no process.
	PID int `json:"pid,omitempty"`
	// Started is the kernel's start time in clock ticks since boot.
	Started uint64 `json:"started,omitempty"`
}

// Identify returns the identity of the running process with the id.
func Identify(pid int) (Identity, error) {
	stat, err := readStat(pid)
	if err != nil {
		return Identity{}, err
	}
	return Identity{PID: pid, Started: stat.started}, nil
}

// Alive reports whether the process runs. A zombie does not.
func (i Identity) Alive() bool {
	if i.PID <= 0 {
		return false
	}
	stat, err := readStat(i.PID)
	return err == nil && stat.started == i.Started && stat.state != 'Z' && stat.state != 'X'
}

// End asks the process and its group to end and kills them after the time. It returns when the process is gone.
func (i Identity) End(grace time.Duration) error {
	if !i.Alive() {
		return nil
	}
	if err := i.signal(syscall.SIGTERM); err != nil {
		return err
	}
	deadline := time.Now().Add(grace)
	for killed := false; i.Alive(); time.Sleep(5 * time.Millisecond) {
		if !killed && time.Now().After(deadline) {
			if err := i.signal(syscall.SIGKILL); err != nil {
				return err
			}
			killed = true
			deadline = deadline.Add(10 * time.Second)
		} else if killed && time.Now().After(deadline) {
			return fmt.Errorf("process %d does not end, though it was killed", i.PID)
		}
	}
	return nil
}

// signal reaches the whole group when the process leads one.
func (i Identity) signal(sig syscall.Signal) error {
	target := i.PID
	if group, err := syscall.Getpgid(i.PID); err == nil && group == i.PID {
		target = -i.PID
	}
	if err := syscall.Kill(target, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal process %d: %w", i.PID, err)
	}
	return nil
}

type stat struct {
	parent  int
	state   byte
	started uint64
}

func readStat(pid int) (stat, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return stat{}, err
	}
	return parseStat(string(text))
}

// parseStat reads the fields after the name, which is in parentheses and may hold spaces and parentheses itself.
func parseStat(text string) (stat, error) {
	const state, parent, started = 0, 1, 19 // field 3, 4 and 22 of proc(5)
	end := strings.LastIndexByte(text, ')')
	fields := strings.Fields(text[end+1:])
	if end < 0 || len(fields) <= started {
		return stat{}, fmt.Errorf("no process status: %q", text)
	}
	ppid, err := strconv.Atoi(fields[parent])
	if err != nil {
		return stat{}, fmt.Errorf("parse parent: %w", err)
	}
	ticks, err := strconv.ParseUint(fields[started], 10, 64)
	if err != nil {
		return stat{}, fmt.Errorf("parse start time: %w", err)
	}
	return stat{parent: ppid, state: fields[state][0], started: ticks}, nil
}

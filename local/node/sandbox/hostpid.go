package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// PID returns the process's number on the host, or zero when it has ended.
func (p *Process) PID() int {
	init := p.pod.PID()
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", init))
	for _, list := range lists {
		data, err := os.ReadFile(list)
		if err != nil {
			continue
		}
		for child := range strings.FieldsSeq(string(data)) {
			pid, err := strconv.Atoi(child)
			if err == nil && innermost(pid) == p.pid {
				return pid
			}
		}
	}
	return 0
}

// innermost returns a process's number in its own PID namespace.
func innermost(pid int) int {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if numbers, ok := strings.CutPrefix(line, "NSpid:"); ok {
			fields := strings.Fields(numbers)
			inner, _ := strconv.Atoi(fields[len(fields)-1])
			return inner
		}
	}
	return 0
}

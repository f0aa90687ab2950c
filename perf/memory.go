package perf

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"time"
)

// restTime is how long the platform is left alone before its memory is read.
const restTime = 5 * time.Second

// Memory reads the resident memory of every process of the embedded platform at rest, by the process's name; several
// of one name make one row with their spread.
func Memory(ctx context.Context, s *Session, r *Results) (err error) {
	fleet, err := s.newFleet(ctx, "rest", 3)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, fleet.delete(ctx)) }()
	if err := pause(ctx, restTime); err != nil {
		return err
	}
	processes, err := s.processes(ctx)
	if err != nil {
		return err
	}
	addMemory(processes, memoryOf, r)
	return nil
}

// processes asks the platform which processes it runs: process identifiers by name.
func (s *Session) processes(ctx context.Context) (map[string][]int, error) {
	p := s.own
	args := []string{"status", "-o", "json"}
	if p == nil {
		running, err := newPlatform(s.config.Programs, "", s.log)
		if err != nil {
			return nil, err
		}
		p = running
	} else {
		args = append(args, "--dir", p.dir)
	}
	out, err := exec.CommandContext(ctx, p.program, args...).Output()
	if err != nil {
		return nil, fmt.Errorf("ask the platform for its processes: %w", err)
	}
	return parseProcesses(out)
}

// parseProcesses finds the processes in the platform's status: every object with a number "pid", under its "container"
// or "name".
func parseProcesses(raw []byte) (map[string][]int, error) {
	var document any
	if err := json.Unmarshal(raw, &document); err != nil {
		return nil, fmt.Errorf("read the platform's status: %w", err)
	}
	found := map[string][]int{}
	collect(document, found)
	if len(found) == 0 {
		return nil, errors.New("the platform's status names no process")
	}
	return found, nil
}

func collect(value any, found map[string][]int) {
	switch v := value.(type) {
	case []any:
		for _, each := range v {
			collect(each, found)
		}
	case map[string]any:
		pid, _ := v["pid"].(float64)
		name, ok := v["container"].(string)
		if !ok || name == "" {
			name, _ = v["name"].(string)
		}
		if pid > 0 && name != "" {
			found[name] = append(found[name], int(pid))
		}
		for _, each := range v {
			collect(each, found)
		}
	}
}

func addMemory(processes map[string][]int, read func(pid int) (memoryUse, error), r *Results) {
	var total memoryUse
	for _, name := range slices.Sorted(maps.Keys(processes)) {
		var resident, anonymous []float64
		for _, pid := range processes[name] {
			m, err := read(pid)
			if err != nil {
				continue // It ended since the platform named it.
			}
			resident = append(resident, m.resident)
			anonymous = append(anonymous, m.anonymous)
			total.resident += m.resident
			total.anonymous += m.anonymous
		}
		if len(resident) > 0 {
			row := Row{Scenario: "memory", Contestant: name, Unit: "MiB", Parameters: map[string]string{"processes": fmt.Sprint(len(resident))}}
			row.add(r, resident, anonymous)
		}
	}
	row := Row{Scenario: "memory", Contestant: "all together", Unit: "MiB"}
	row.add(r, []float64{total.resident}, []float64{total.anonymous})
}

func (row Row) add(r *Results, resident, anonymous []float64) {
	row.Metric = "resident"
	r.Add(row, resident...)
	row.Metric = "anonymous"
	r.Add(row, anonymous...)
}

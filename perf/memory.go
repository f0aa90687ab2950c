package perf

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// restTime is how long the platform is left alone before its memory is read.
const restTime = 10 * time.Second

// Memory reads the memory of every process of the embedded platform at rest, with one environment's pool of three
// warm pods. Several processes of one program make one row with their spread.
func Memory(ctx context.Context, s *Session, r *Results) (err error) {
	fleet, err := s.newFleet(ctx, "rest", 3)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, fleet.delete(ctx)) }()
	if err := pause(ctx, restTime); err != nil {
		return err
	}
	p, err := s.platform()
	if err != nil {
		return err
	}
	processes, err := p.processes(ctx)
	if err != nil {
		return err
	}
	addMemory(processes, memoryOf, r)
	return nil
}

// program names what a process runs: its file, and the first argument where that is no flag, as for interpreters and
// programs of many names.
func (p process) program() string {
	words := strings.Fields(p.Command)
	if len(words) == 0 {
		return "unknown"
	}
	name := filepath.Base(words[0])
	if len(words) > 1 && !strings.HasPrefix(words[1], "-") {
		name += " " + filepath.Base(words[1])
	}
	return name
}

func addMemory(processes []process, read func(pid int) (memoryUse, error), r *Results) {
	byProgram := map[string][]memoryUse{}
	var total memoryUse
	for _, p := range processes {
		m, err := read(p.PID)
		if err != nil {
			continue // It ended since the platform named it.
		}
		byProgram[p.program()] = append(byProgram[p.program()], m)
		total = memoryUse{total.resident + m.resident, total.anonymous + m.anonymous, total.proportional + m.proportional}
	}
	for _, name := range slices.Sorted(maps.Keys(byProgram)) {
		addUses(r, name, byProgram[name], len(byProgram[name]))
	}
	addUses(r, "all together", []memoryUse{total}, len(processes))
}

func addUses(r *Results, name string, uses []memoryUse, processes int) {
	row := Row{Scenario: "memory", Contestant: name, Unit: "MiB", Parameters: map[string]string{"processes": strconv.Itoa(processes)}}
	for _, metric := range []struct {
		name string
		of   func(memoryUse) float64
	}{
		{"resident", func(m memoryUse) float64 { return m.resident }},
		{"anonymous", func(m memoryUse) float64 { return m.anonymous }},
		{"proportional", func(m memoryUse) float64 { return m.proportional }},
	} {
		values := make([]float64, 0, len(uses))
		for _, m := range uses {
			values = append(values, metric.of(m))
		}
		row.Metric = metric.name
		r.Add(row, values...)
	}
}

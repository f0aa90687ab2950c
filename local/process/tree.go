package process

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Info is a process as the kernel shows it.
type Info struct {
	PID     int    `json:"pid"`
	Parent  int    `json:"parent"`
	Command string `json:"command"`
	// Resident is the memory in bytes that the process holds now, shared pages included.
	Resident int64 `json:"resident"`
	// Proportional is Resident with each shared page divided among those who share it; 0 when the kernel does not tell.
	Proportional int64 `json:"proportional"`
}

// Tree returns the process and everything that descends from it, parents before children.
func Tree(pid int) []Info {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	children := map[int][]int{}
	for _, entry := range entries {
		id, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if stat, err := readStat(id); err == nil && stat.state != 'Z' {
			children[stat.parent] = append(children[stat.parent], id)
		}
	}
	return collect(nil, pid, 0, children)
}

func collect(infos []Info, pid, parent int, children map[int][]int) []Info {
	infos = append(infos, Info{
		PID: pid, Parent: parent, Command: command(pid), Resident: Resident(pid),
		Proportional: kilobytes(pid, "smaps_rollup", "Pss:"),
	})
	for _, child := range children[pid] {
		infos = collect(infos, child, pid, children)
	}
	return infos
}

func command(pid int) string {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(bytes.ReplaceAll(text, []byte{0}, []byte{' '})))
}

// Resident returns the bytes of memory that the process holds, 0 when it is gone.
func Resident(pid int) int64 { return kilobytes(pid, "status", "VmRSS:") }

func kilobytes(pid int, file, field string) int64 {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), file))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, field); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return n << 10
		}
	}
	return 0
}

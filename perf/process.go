package perf

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of processor time in /proc, 100 a second on every Linux.
const tick = 10 * time.Millisecond

// processorTime returns the time that a process has used, in user mode and in the kernel.
func processorTime(pid int) (time.Duration, error) {
	if t, ok := processClock(pid); ok {
		return t, nil
	}
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	return parseProcessorTime(raw)
}

// parseProcessorTime reads /proc/PID/stat, whose second field is a name in parentheses that may hold anything.
func parseProcessorTime(raw []byte) (time.Duration, error) {
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	const user, system = 11, 12 // counted from the field after the name
	if len(fields) <= system {
		return 0, fmt.Errorf("read processor time: %d fields", len(fields))
	}
	u, err1 := strconv.ParseInt(fields[user], 10, 64)
	s, err2 := strconv.ParseInt(fields[system], 10, 64)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("read processor time: %q %q", fields[user], fields[system])
	}
	return time.Duration(u+s) * tick, nil
}

// transfers returns how many reads and writes a process has made.
func transfers(pid int) (int64, bool) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	if err != nil {
		return 0, false
	}
	return parseTransfers(raw)
}

// parseTransfers reads /proc/PID/io.
func parseTransfers(raw []byte) (sum int64, ok bool) {
	found := 0
	for line := range strings.Lines(string(raw)) {
		name, value, _ := strings.Cut(line, ":")
		if name != "syscr" && name != "syscw" {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		if err != nil {
			return 0, false
		}
		sum += n
		found++
	}
	return sum, found == 2
}

// busyMachine begins to look at all processors; the returned function gives the share in percent that was in use since
// then, and nothing where that cannot be known.
func busyMachine() func() []float64 {
	busy, all, ok := processors()
	return func() []float64 {
		b, a, still := processors()
		if !ok || !still || a <= all {
			return nil
		}
		return []float64{100 * float64(b-busy) / float64(a-all)}
	}
}

func processors() (busy, all int64, ok bool) {
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, false
	}
	return parseProcessors(raw)
}

// parseProcessors reads the first line of /proc/stat: time of all processors together by what they did.
func parseProcessors(raw []byte) (busy, all int64, ok bool) {
	line, _, _ := strings.Cut(string(raw), "\n")
	fields := strings.Fields(line)
	const idle, waiting, steal = 4, 5, 8 // what comes after is counted in the others already
	if len(fields) <= steal || fields[0] != "cpu" {
		return 0, 0, false
	}
	for i, f := range fields[1 : steal+1] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, 0, false
		}
		all += n
		if i+1 != idle && i+1 != waiting {
			busy += n
		}
	}
	return busy, all, true
}

// memoryUse is what a process holds, in MiB: resident counts shared pages whole, proportional by its share of them,
// anonymous only pages that are no file's.
type memoryUse struct{ resident, anonymous, proportional float64 }

func memoryOf(pid int) (memoryUse, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return memoryUse{}, fmt.Errorf("read memory: %w", err)
	}
	rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return memoryUse{}, fmt.Errorf("read shares of memory: %w", err)
	}
	return memoryUse{
		resident:     field(status, "VmRSS:"),
		anonymous:    field(status, "RssAnon:"),
		proportional: field(rollup, "Pss:"),
	}, nil
}

// field returns the MiB of a line `Name:  KIB kB`; 0 when there is none.
func field(text []byte, name string) float64 {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if words := strings.Fields(lines.Text()); len(words) > 1 && words[0] == name {
			kib, _ := strconv.ParseFloat(words[1], 64)
			return kib / 1024
		}
	}
	return 0
}

// listenerOf returns the process that listens on an IPv4 address of this machine; ok is false when there is none that
// the caller may look into.
func listenerOf(address string) (pid int, ok bool) {
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return 0, false
	}
	inodes := listeningSockets(table, address)
	if len(inodes) == 0 {
		return 0, false
	}
	files, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, file := range files {
		target, err := os.Readlink(file)
		if err == nil && inodes[strings.TrimSuffix(strings.TrimPrefix(target, "socket:["), "]")] {
			pid, err := strconv.Atoi(strings.Split(file, "/")[2])
			return pid, err == nil
		}
	}
	return 0, false
}

// listeningSockets finds the inodes of sockets in /proc/net/tcp that listen on the address, or on its port everywhere.
func listeningSockets(table []byte, address string) map[string]bool {
	want, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil
	}
	inodes := map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(table))
	for lines.Scan() {
		const local, state, inode, listening = 1, 3, 9, "0A"
		fields := strings.Fields(lines.Text())
		if len(fields) <= inode || fields[state] != listening {
			continue
		}
		got, ok := parseSocket(fields[local])
		if ok && got.Port() == want.Port() && (got.Addr() == want.Addr() || got.Addr().IsUnspecified()) {
			inodes[fields[inode]] = true
		}
	}
	return inodes
}

// parseSocket reads an address as /proc/net/tcp has it: four bytes in the machine's order, and the port.
func parseSocket(text string) (netip.AddrPort, bool) {
	host, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(host)
	n, portErr := strconv.ParseUint(port, 16, 16)
	if err != nil || portErr != nil || len(raw) != 4 {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{raw[3], raw[2], raw[1], raw[0]}), uint16(n)), true
}

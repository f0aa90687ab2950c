package podinit

import (
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// reap collects every child that ended, its own and those that were left to it.
func (s *server) reap() {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		s.mu.Lock()
		p, ok := s.byPID[pid]
		if ok {
			delete(s.byPID, pid)
			delete(s.byID, p.id)
		}
		s.mu.Unlock()
		if ok {
			go s.ended(p, status)
		}
	}
}

// ended reports a process's end, after its start was reported and what it left
// in its container was killed.
func (s *server) ended(p *process, status unix.WaitStatus) {
	<-p.executed
	if !p.joined {
		s.killContainer(p)
	}
	event := Event{Kind: EventExited, ID: p.id, Code: status.ExitStatus()}
	if status.Signaled() {
		event.Signal = int(status.Signal())
		event.Code = 128 + event.Signal
	}
	s.socket.send(event, -1)
}

func (s *server) signal(r Request) {
	s.mu.Lock()
	p, ok := s.byID[r.ID]
	s.mu.Unlock()
	if !ok {
		return
	}
	if r.All {
		<-p.executed
		s.killContainer(p)
	}
	_ = unix.Kill(p.pid, unix.Signal(r.Signal))
}

// killContainer kills everything that p's container holds beside p itself: its
// process group, its session, and what shares its mounts.
func (s *server) killContainer(p *process) {
	_ = unix.Kill(-p.pid, unix.SIGKILL)
	for _, other := range processes() {
		if other.pid == p.pid || other.pid == os.Getpid() {
			continue
		}
		if other.session == p.pid || (!p.joined && p.mounts != "" && !s.plain && mountsOf(other.pid) == p.mounts) {
			_ = unix.Kill(other.pid, unix.SIGKILL)
		}
	}
}

// endAll kills what still runs when init itself ends. In a PID namespace the
// kernel does it; without one, every descendant has to be found.
func (s *server) endAll() {
	if !s.plain {
		return
	}
	for range 100 {
		descendants := descendantsOf(os.Getpid(), processes())
		if len(descendants) == 0 {
			return
		}
		for _, pid := range descendants {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// entry is one process of /proc.
type entry struct{ pid, parent, session int }

// processes lists what /proc shows; what ends meanwhile is left out.
func processes() []entry {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	var all []entry
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		data, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue
		}
		if e, ok := parseStat(pid, string(data)); ok {
			all = append(all, e)
		}
	}
	return all
}

// parseStat reads a line of /proc/PID/stat. The second field is the program's
// name in parentheses and may itself contain spaces and parentheses.
func parseStat(pid int, line string) (entry, bool) {
	fields := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
	if len(fields) < 4 || fields[0] == "Z" {
		return entry{}, false
	}
	parent, err := strconv.Atoi(fields[1])
	if err != nil {
		return entry{}, false
	}
	session, err := strconv.Atoi(fields[3])
	return entry{pid: pid, parent: parent, session: session}, err == nil
}

func descendantsOf(root int, all []entry) []int {
	family := map[int]bool{root: true}
	var found []int
	for grown := true; grown; {
		grown = false
		for _, e := range all {
			if family[e.parent] && !family[e.pid] {
				family[e.pid], grown = true, true
				found = append(found, e.pid)
			}
		}
	}
	return found
}

func mountsOf(pid int) string {
	link, _ := os.Readlink("/proc/" + strconv.Itoa(pid) + "/ns/mnt")
	return link
}

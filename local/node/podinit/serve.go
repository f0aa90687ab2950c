package podinit

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// SocketFD is the descriptor of the socket to the agent in init.
const SocketFD = 3

// Main is the whole program: args are those after the program's name. It returns
// when the agent has let go of the pod.
func Main(args []string) error {
	if len(args) == 2 && args[0] == "stage" {
		join, err := strconv.Atoi(args[1]) //nolint:gosec // there are two
		if err != nil {
			return fmt.Errorf("read process to join: %w", err)
		}
		return stage(join)
	}
	if len(args) != 0 {
		return fmt.Errorf("this program is started by the node agent only")
	}
	socket, err := openSocket(SocketFD)
	if err != nil {
		return err
	}
	s := &server{socket: socket, byPID: map[int]*process{}, byID: map[int64]*process{}}
	defer s.endAll()
	return s.serve()
}

// server is init's side of the socket.
type server struct {
	socket *socket
	plain  bool
	// mu guards what follows, and is held while a process is made, so that it is
	// known before it can be reaped.
	mu    sync.Mutex
	byPID map[int]*process
	byID  map[int64]*process
}

// process is one running container or exec session.
type process struct {
	id  int64
	pid int
	// mounts identifies its mount namespace; empty when that cannot be read.
	mounts string
	// joined says that the process lives in another's container.
	joined bool
	// executed is closed when the stage has become the program or failed; mounts is set then.
	executed chan struct{}
}

func (s *server) serve() error {
	unix.Umask(0o022)
	children := make(chan os.Signal, 1)
	signal.Notify(children, unix.SIGCHLD)
	go func() {
		for range children {
			s.reap()
		}
	}()
	for {
		request, files, err := s.socket.receive()
		if err != nil || request == nil {
			return err
		}
		s.handle(*request, files)
		for _, fd := range files {
			unix.Close(fd)
		}
	}
}

func (s *server) handle(r Request, files []int) {
	switch r.Op {
	case OpSetup:
		s.setup(files)
	case OpStart:
		if err := s.start(r, files); err != nil {
			s.socket.send(Event{Kind: EventFailed, ID: r.ID, Error: err.Error()}, -1)
		}
	case OpSignal:
		go s.signal(r)
	}
}

func (s *server) setup(files []int) {
	event := Event{Kind: EventReady}
	var root Root
	err := readSpec(files, &root)
	if err == nil {
		s.plain = root.Plain
		err = setup(root)
	}
	if err != nil {
		event.Error = err.Error()
	}
	s.socket.send(event, -1)
}

func readSpec(files []int, into any) error {
	if len(files) == 0 {
		return fmt.Errorf("request has no description")
	}
	fd, err := unix.Dup(files[0])
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), "description")
	defer f.Close()
	return json.NewDecoder(f).Decode(into)
}

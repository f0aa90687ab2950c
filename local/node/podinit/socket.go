package podinit

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxDescriptors is the most that one request carries.
const maxDescriptors = 4

// maxMessage is the largest request; what can be large travels in a file.
const maxMessage = 16 << 10

// socket is init's end of the connection to the agent. It is read and written
// without blocking a thread: with one processor, the runtime would notice a
// blocked thread only milliseconds later.
type socket struct {
	raw syscall.RawConn
}

func openSocket(fd int) (*socket, error) {
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, fmt.Errorf("open socket to the agent: %w", err)
	}
	raw, err := os.NewFile(uintptr(fd), "agent").SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("open socket to the agent: %w", err)
	}
	return &socket{raw: raw}, nil
}

// receive waits for a request and its descriptors; nil says that the agent has
// closed the socket.
func (s *socket) receive() (*Request, []int, error) {
	data := make([]byte, maxMessage)
	control := make([]byte, unix.CmsgSpace(4*maxDescriptors))
	var n, oobn int
	var err error
	waitErr := s.raw.Read(func(fd uintptr) bool {
		n, oobn, _, _, err = unix.Recvmsg(int(fd), data, control, unix.MSG_CMSG_CLOEXEC)
		return !retry(err)
	})
	if err := errors.Join(waitErr, err); err != nil || n == 0 {
		return nil, nil, err
	}
	var request Request
	if err := json.Unmarshal(data[:n], &request); err != nil {
		return nil, nil, fmt.Errorf("read request: %w", err)
	}
	return &request, descriptors(control[:oobn]), nil
}

// send tells the agent of an event, with a descriptor unless that is negative.
// An error means that the agent is gone, which receive notices.
func (s *socket) send(event Event, fd int) {
	data, err := json.Marshal(event)
	if err != nil {
		return
	}
	var control []byte
	if fd >= 0 {
		control = unix.UnixRights(fd)
	}
	_ = s.raw.Write(func(socket uintptr) bool {
		return !retry(unix.Sendmsg(int(socket), data, control, nil, unix.MSG_NOSIGNAL))
	})
}

func retry(err error) bool {
	return errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR)
}

func descriptors(control []byte) []int {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil
	}
	var all []int
	for i := range messages {
		if fds, err := unix.ParseUnixRights(&messages[i]); err == nil {
			all = append(all, fds...)
		}
	}
	return all
}

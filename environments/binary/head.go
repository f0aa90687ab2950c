package binary

import (
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// maxHead bounds what a program can say on file descriptor 3: what a pipe holds.
const maxHead = 64 << 10

// readHead reads what the program wrote on file descriptor 3 so far. It does not wait: what is written before the
// first output is in the pipe when the output comes.
func readHead(pipe *os.File) []byte {
	conn, err := pipe.SyscallConn()
	if err != nil {
		return nil
	}
	var head []byte
	buffer := make([]byte, 4096)
	for len(head) < maxHead {
		n := 0
		_ = conn.Read(func(fd uintptr) bool {
			n, _ = syscall.Read(int(fd), buffer)
			return true
		})
		if n <= 0 {
			break
		}
		head = append(head, buffer[:n]...)
	}
	return head
}

// apply sets the headers that lines of the head name, and returns the status. Lines without a colon say nothing.
func apply(head []byte, header http.Header) int {
	status := http.StatusOK
	for line := range strings.Lines(string(head)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			continue
		}
		value = strings.TrimSpace(value)
		if strings.EqualFold(name, "Status") {
			code, _, _ := strings.Cut(value, " ")
			if n, err := strconv.Atoi(code); err == nil && n >= 200 && n < 600 {
				status = n
			}
			continue
		}
		header.Add(name, value)
	}
	return status
}

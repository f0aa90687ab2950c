package proxy

import (
	"net"
	"sync"
	"syscall"
)

// Watcher notices that a peer closed a connection while nobody reads from it: a client that goes away while its
// request is held or inside the function, an upstream that closes an idle connection. It costs nothing per
// request. Its zero value is ready; it is safe for concurrent use. One Watcher serves any number of Servers and
// Targets.
//
// On systems without epoll, and for connections that are no sockets, nothing is noticed before the next read or
// write.
type Watcher struct {
	mu     sync.Mutex // guards what follows
	poll   *poller
	next   uint64
	calls  map[uint64]func()
	closed bool
}

// add calls gone once, in the watcher's goroutine, when the peer closes the connection. The returned token is for
// remove; 0 means that the connection cannot be watched.
func (w *Watcher) add(conn net.Conn, gone func()) uint64 {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return 0
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || !w.open() {
		return 0
	}
	w.next++
	token := w.next
	w.calls[token] = gone
	if err := raw.Control(func(fd uintptr) { ok = w.poll.watch(fd, token) }); err != nil || !ok {
		delete(w.calls, token)
		return 0
	}
	return token
}

// remove forgets a connection. It must be called before or soon after the connection is closed; closing ends the
// kernel's part by itself.
func (w *Watcher) remove(token uint64) {
	if token == 0 {
		return
	}
	w.mu.Lock()
	delete(w.calls, token)
	w.mu.Unlock()
}

// Close ends the watcher. Connections that are still watched are so no longer.
func (w *Watcher) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.poll != nil {
		w.poll.close()
	}
}

// open starts the poller with the first connection. The caller holds the lock.
func (w *Watcher) open() bool {
	if w.poll != nil {
		return true
	}
	p, err := newPoller()
	if err != nil {
		return false
	}
	w.poll, w.calls = p, map[uint64]func(){}
	go p.run(w.hangup)
	return true
}

func (w *Watcher) hangup(token uint64) {
	w.mu.Lock()
	gone := w.calls[token]
	delete(w.calls, token)
	w.mu.Unlock()
	if gone != nil {
		gone()
	}
}

package probe

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

// Entry is a line of the ledger: a request began or ended inside a function.
type Entry struct {
	// Begin is false for the end.
	Begin bool
	// Request is the request's HeaderID, Pod the name of the pod.
	Request, Pod string
	// At is when the line was read.
	At time.Time
}

// Ledger is where runtimes tell what they begin and end. What a runtime has told stays told when it is killed.
type Ledger struct {
	listener net.Listener
	tell     func(Entry)
	readers  sync.WaitGroup
}

// ListenLedger listens on a free port of the host and calls tell for each line, from several goroutines.
func ListenLedger(ctx context.Context, host string, tell func(Entry)) (*Ledger, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, fmt.Errorf("listen for the ledger: %w", err)
	}
	ledger := &Ledger{listener: l, tell: tell}
	ledger.readers.Go(ledger.accept)
	return ledger, nil
}

// Address is where the ledger listens.
func (l *Ledger) Address() string { return l.listener.Addr().String() }

// Close ends the ledger; runtimes that are connected notice.
func (l *Ledger) Close() error { return l.listener.Close() }

func (l *Ledger) accept() {
	for {
		conn, err := l.listener.Accept()
		if err != nil {
			return
		}
		go l.read(conn)
	}
}

func (l *Ledger) read(conn net.Conn) {
	defer conn.Close()
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		if words := strings.Fields(lines.Text()); len(words) == 3 {
			l.tell(Entry{Begin: words[0] == "begin", Request: words[1], Pod: words[2], At: time.Now()})
		}
	}
}

// teller is a runtime's end of the ledger. Nil tells nobody.
type teller struct {
	address, pod string

	mu   sync.Mutex // guards conn and the order of lines
	conn net.Conn
}

// say hands a line over to the kernel, which delivers it whatever becomes of this process.
func (t *teller) say(what, request string) error {
	if t == nil || request == "" {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conn == nil {
		conn, err := net.DialTimeout("tcp", t.address, 5*time.Second) //nolint:noctx // bounded
		if err != nil {
			return fmt.Errorf("reach the ledger: %w", err)
		}
		t.conn = conn
	}
	_, err := fmt.Fprintf(t.conn, "%s %s %s\n", what, request, t.pod)
	return err
}

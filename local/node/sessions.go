package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"

	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"

	"hotpod.dev/local/node/logs"
	"hotpod.dev/local/node/sandbox"
	"hotpod.dev/local/node/stream"
)

// Exec runs a command in a container; it implements stream.Pods.
func (s sessions) Exec(ctx context.Context, t stream.Target, session stream.Session) error {
	w, main, err := s.running(t)
	if err != nil {
		return err
	}
	if session.TTY {
		return execTerminal(ctx, w, main, t.Container, session)
	}
	return execPipes(ctx, w, main, t.Container, session)
}

// execTerminal runs a command that has a terminal of its own.
func execTerminal(ctx context.Context, w *worker, main process, container string, session stream.Session) error {
	p, err := w.exec(ctx, container, main, session.Command, true, sandbox.Streams{})
	if err != nil {
		return err
	}
	terminal := p.Terminal()
	if terminal == nil {
		p.KillAll()
		return errors.New("the pod has no terminals")
	}
	defer terminal.Close()
	stop := context.AfterFunc(ctx, p.KillAll)
	defer stop()
	go resize(terminal, session.Resize)
	if session.In != nil {
		go func() { _, _ = io.Copy(terminal, session.In) }()
	}
	if session.Out != nil {
		copyOut(session.Out, terminal, p)
	}
	<-p.Done()
	return exitError(p.Exit())
}

func resize(terminal *os.File, sizes <-chan remotecommand.TerminalSize) {
	for size := range sizes {
		_ = sandbox.Resize(terminal, size.Width, size.Height)
	}
}

// copyOut copies what a command writes; a command that nobody hears any more is ended.
func copyOut(to io.Writer, from *os.File, p process) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				p.KillAll()
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// execPipes runs a command whose streams are pipes.
func execPipes(ctx context.Context, w *worker, main process, container string, session stream.Session) error {
	var ends sessionPipes
	defer ends.closeAll()
	streams := ends.open(session)
	if ends.err != nil {
		return ends.err
	}
	p, err := w.exec(ctx, container, main, session.Command, false, streams)
	ends.closeTheirs()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, p.KillAll)
	defer stop()
	if ends.in != nil {
		go func() {
			_, _ = io.Copy(ends.in, session.In)
			ends.in.Close()
		}()
	}
	var copies sync.WaitGroup
	for _, out := range ends.outs {
		copies.Go(func() { copyOut(out.to, out.from, p) })
	}
	copies.Wait()
	<-p.Done()
	return exitError(p.Exit())
}

// sessionPipes are the pipes of one command.
type sessionPipes struct {
	in     *os.File
	outs   []outPipe
	theirs []*os.File
	err    error
}

type outPipe struct {
	from *os.File
	to   io.Writer
}

func (s *sessionPipes) open(session stream.Session) sandbox.Streams {
	var streams sandbox.Streams
	if session.In != nil {
		r, w, err := os.Pipe()
		s.err = errors.Join(s.err, err)
		streams.In, s.in = r, w
		s.theirs = append(s.theirs, r)
	}
	streams.Out = s.out(session.Out)
	streams.Err = s.out(session.Err)
	return streams
}

func (s *sessionPipes) out(to io.WriteCloser) *os.File {
	if to == nil {
		return nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		s.err = errors.Join(s.err, err)
		return nil
	}
	s.outs = append(s.outs, outPipe{from: r, to: to})
	s.theirs = append(s.theirs, w)
	return w
}

func (s *sessionPipes) closeTheirs() {
	for _, f := range s.theirs {
		f.Close()
	}
	s.theirs = nil
}

func (s *sessionPipes) closeAll() {
	s.closeTheirs()
	if s.in != nil {
		s.in.Close()
	}
	for _, out := range s.outs {
		out.from.Close()
	}
}

// exitError is how the library wants to be told of an exit code.
func exitError(exit sandbox.Exit) error {
	if exit.Code == 0 {
		return nil
	}
	return utilexec.CodeExitError{Err: fmt.Errorf("command terminated with exit code %d", exit.Code), Code: exit.Code}
}

// Attach copies what a container writes from now on; it implements stream.Pods.
// A container's input is always empty, so that there is nothing to copy to it.
func (s sessions) Attach(ctx context.Context, t stream.Target, session stream.Session) error {
	var copies sync.WaitGroup
	faults := make([]error, 2)
	for i, out := range map[int]struct {
		stream string
		to     io.Writer
	}{0: {"stdout", writerOrNil(session.Out)}, 1: {"stderr", writerOrNil(session.Err)}} {
		if out.to != nil {
			copies.Go(func() {
				faults[i] = s.Log(ctx, t, false, logs.Options{Follow: true, Stream: out.stream}, out.to)
			})
		}
	}
	copies.Wait()
	return errors.Join(faults...)
}

func writerOrNil(w io.WriteCloser) io.Writer {
	if w == nil {
		return nil
	}
	return w
}

// Forward copies between the stream and a port of the pod; it implements stream.Pods.
func (s sessions) Forward(ctx context.Context, t stream.Target, port int32, data io.ReadWriteCloser) error {
	w := s.find(t)
	if w == nil || !w.address().IsValid() {
		return fmt.Errorf("pod %s/%s %w", t.Namespace, t.Pod, stream.ErrNotRunning)
	}
	address := net.JoinHostPort(w.address().String(), strconv.Itoa(int(port)))
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("connect to port %d of the pod: %w", port, err)
	}
	defer conn.Close()
	go func() {
		_, _ = io.Copy(conn, data)
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
	}()
	_, err = io.Copy(data, conn)
	return err
}

package proxy

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// pair returns both ends of a connection, ours made quick.
func pair(t *testing.T) (ours net.Conn, peer *net.TCPConn) {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	conn, err := net.Dial("tcp", lis.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := lis.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.(*net.TCPConn).SetWriteBuffer(64 << 10)
	_ = accepted.(*net.TCPConn).SetReadBuffer(64 << 10)
	ours = quick(conn)
	t.Cleanup(func() { _ = ours.Close(); _ = accepted.Close() })
	return ours, accepted.(*net.TCPConn)
}

func TestSocket_TellsEndsAsOtherConnectionsDo(t *testing.T) {
	b := make([]byte, 8)
	t.Run("half closed", func(t *testing.T) {
		ours, peer := pair(t)
		_, _ = peer.Write([]byte("bye"))
		_ = peer.CloseWrite()
		if n, err := ours.Read(b); n != 3 || err != nil {
			t.Errorf("first read = %d, %v", n, err)
		}
		if n, err := ours.Read(b); n != 0 || err != io.EOF { //nolint:errorlint // readers compare it bare
			t.Errorf("last read = %d, %v", n, err)
		}
	})
	t.Run("reset", func(t *testing.T) {
		ours, peer := pair(t)
		_ = peer.SetLinger(0)
		_ = peer.Close()
		if _, err := ours.Read(b); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read = %v", err)
		}
		if n, err := ours.Write(b); n != 0 || !errors.Is(err, syscall.EPIPE) {
			t.Errorf("write = %d, %v", n, err)
		}
	})
	t.Run("deadline", func(t *testing.T) {
		ours, _ := pair(t)
		_ = ours.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
		_, err := ours.Read(b)
		var timeout net.Error
		if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("read = %v", err)
		}
	})
	t.Run("closed", func(t *testing.T) {
		ours, _ := pair(t)
		time.AfterFunc(5*time.Millisecond, func() { _ = ours.Close() })
		if _, err := ours.Read(b); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read = %v", err)
		}
		if _, err := ours.Write(b); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write = %v", err)
		}
	})
}

func TestSocket_WritesWhatDoesNotFitAtOnce(t *testing.T) {
	ours, peer := pair(t)
	const size = 4 << 20
	written := make(chan error, 1)
	go func() {
		n, err := ours.Write(make([]byte, size))
		if n != size && err == nil {
			err = io.ErrShortWrite
		}
		written <- err
		_ = ours.(interface{ CloseWrite() error }).CloseWrite()
	}()
	if n, err := io.Copy(io.Discard, peer); n != size || err != nil {
		t.Errorf("the peer read %d bytes, %v", n, err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}

func TestSocket_SaysHowMuchWasTakenBeforeAWriteFailed(t *testing.T) {
	ours, _ := pair(t)
	p := make([]byte, 4<<20)
	_ = ours.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	n, err := ours.Write(p)
	if n == 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("write = %d, %v", n, err)
	}
}

func TestSocket_AllocatesNothing(t *testing.T) {
	ours, peer := pair(t)
	b := make([]byte, 8)
	go func() { _, _ = io.Copy(peer, peer) }()
	if n := testing.AllocsPerRun(200, func() {
		_, _ = ours.Write(b)
		_, _ = io.ReadFull(ours, b)
	}); n >= 1 {
		t.Errorf("a write and a read allocate %v times", n)
	}
}

package binary

import (
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

const (
	// pieceSize is what a pipe holds.
	pieceSize = 64 << 10
	// maxHeld bounds what is held back before the head of an answer is sent.
	maxHeld = 64 << 10
	// pause is how long a program may be silent before what it printed is passed on.
	pause = time.Millisecond
)

// answer passes on what a program prints, as it prints it. The beginning is held back until the program pauses, prints much
// or ends: short answers get a length, and a program that fails at once can still be answered with an error.
type answer struct {
	w    http.ResponseWriter
	head *os.File
	// patient holds the beginning back however long the program pauses: nobody waits for the body that HEAD does not have.
	patient bool
	held    []byte
	sent    bool
	// unflushed says that something was written which the client may not have.
	unflushed bool
}

// copy passes on until the end of output. The error is one of writing: the client is gone.
func (a *answer) copy(output io.Reader) error {
	pieces, done := read(output)
	defer close(done)
	silence := time.NewTimer(pause)
	defer silence.Stop()
	for {
		select {
		case piece, ok := <-pieces:
			if !ok {
				return nil
			}
			if err := a.take(piece); err != nil {
				return err
			}
			silence.Reset(pause)
		case <-silence.C:
			if err := a.flush(); err != nil {
				return err
			}
		}
	}
}

// read reads in the background into two buffers in turn: a piece is good until the next but one is asked for.
func read(from io.Reader) (pieces <-chan []byte, done chan struct{}) {
	out := make(chan []byte)
	done = make(chan struct{})
	go func() {
		defer close(out)
		var buffers [2][pieceSize]byte
		for i := 0; ; i = 1 - i {
			n, err := from.Read(buffers[i][:])
			if n > 0 {
				select {
				case out <- buffers[i][:n]:
				case <-done:
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	return out, done
}

func (a *answer) take(piece []byte) error {
	if !a.sent {
		a.held = append(a.held, piece...)
		if len(a.held) < maxHeld {
			return nil
		}
		return a.begin()
	}
	a.unflushed = true
	_, err := a.w.Write(piece)
	return err
}

// begin sends the head and what is held back.
func (a *answer) begin() error {
	a.w.WriteHeader(apply(readHead(a.head), a.w.Header()))
	a.sent, a.unflushed = true, true
	_, err := a.w.Write(a.held)
	a.held = nil
	return err
}

func (a *answer) flush() error {
	if !a.sent && len(a.held) > 0 && !a.patient {
		if err := a.begin(); err != nil {
			return err
		}
	}
	if !a.unflushed {
		return nil
	}
	a.unflushed = false
	return http.NewResponseController(a.w).Flush()
}

// finish ends an answer of which the program printed all.
func (a *answer) finish() {
	if a.sent {
		return
	}
	length := strconv.Itoa(len(a.held))
	status := apply(readHead(a.head), a.w.Header())
	if status != http.StatusNoContent && status != http.StatusNotModified {
		a.w.Header().Set("Content-Length", length)
	}
	a.w.WriteHeader(status)
	_, _ = a.w.Write(a.held) // Statuses without a body refuse it; a client that is gone needs nothing.
}

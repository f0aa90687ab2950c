package probe

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"time"

	"github.com/gorilla/websocket"
)

// Answer is what most requests are answered with.
type Answer struct {
	// Request is the HeaderID of the request.
	Request string `json:"request"`
	Method  string `json:"method"`
	Path    string `json:"path"`
	Proto   string `json:"proto"`
	Version int    `json:"version"`
	// Bytes and Sum are length and SHA-256 of the body; "" when it was not read.
	Bytes int64  `json:"bytes,omitempty"`
	Sum   string `json:"sum,omitempty"`
}

// answer does what the path asks for.
func (r *Runtime) answer(w http.ResponseWriter, req *http.Request, p *Program) {
	q := req.URL.Query()
	if !pause(req, number(q, "ms", 0)) {
		return
	}
	switch path.Base(req.URL.Path) {
	case "echo":
		sum := sha256.New()
		n, err := io.Copy(sum, req.Body)
		if err != nil {
			http.Error(w, "read body: "+err.Error(), http.StatusBadRequest)
			return
		}
		say(w, req, p, Answer{Bytes: n, Sum: hex.EncodeToString(sum.Sum(nil))})
	case "copy":
		duplex(w, req)
	case "stream":
		lines(w, req, "line %d\n")
	case "sse":
		w.Header().Set("Content-Type", "text/event-stream")
		lines(w, req, "data: %d\n\n")
	case "ws":
		talk(w, req, p)
	default:
		say(w, req, p, Answer{})
	}
}

func say(w http.ResponseWriter, req *http.Request, p *Program, a Answer) {
	a.Request, a.Method, a.Path, a.Proto, a.Version = req.Header.Get(HeaderID), req.Method, req.URL.Path, req.Proto, p.Version
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(a) // the client may have gone
}

// duplex sends back what comes while it comes.
func duplex(w http.ResponseWriter, req *http.Request) {
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex() // HTTP/2 always is
	w.Header().Set("Trailer", TrailerSum)
	w.WriteHeader(http.StatusOK)
	_ = control.Flush()
	sum := sha256.New()
	buffer := make([]byte, 32<<10)
	for {
		n, err := req.Body.Read(buffer)
		sum.Write(buffer[:n])
		if _, werr := w.Write(buffer[:n]); werr != nil {
			return
		}
		_ = control.Flush()
		if err != nil {
			break
		}
	}
	w.Header().Set(TrailerSum, hex.EncodeToString(sum.Sum(nil)))
}

// lines sends numbered lines, each at once.
func lines(w http.ResponseWriter, req *http.Request, format string) {
	control := http.NewResponseController(w)
	q := req.URL.Query()
	for i := range number(q, "n", 10) {
		if i > 0 && !pause(req, number(q, "gap", 100)) {
			return
		}
		if _, err := fmt.Fprintf(w, format, i); err != nil {
			return
		}
		if err := control.Flush(); err != nil {
			return
		}
	}
}

// talk answers each message of a WebSocket until the client closes it.
func talk(w http.ResponseWriter, req *http.Request, p *Program) {
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := upgrader.Upgrade(w, req, w.Header())
	if err != nil {
		return // it has answered
	}
	defer conn.Close()
	for {
		kind, message, err := conn.ReadMessage()
		if err != nil {
			return
		}
		if err := conn.WriteMessage(kind, fmt.Appendf(nil, "%d %s", p.Version, message)); err != nil {
			return
		}
	}
}

// pause waits, and says whether the client is still there.
func pause(req *http.Request, millis int) bool {
	if millis <= 0 {
		return true
	}
	timer := time.NewTimer(time.Duration(millis) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-req.Context().Done():
		return false
	}
}

func number(q url.Values, name string, otherwise int) int {
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < 0 || n > 1<<20 {
		return otherwise
	}
	return n
}

package contract

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestNode_WebSocketMessages(t *testing.T) {
	node(t, func(t *testing.T, l Language) {
		r := serve(t, l, "socket")
		ws, other := webSocket(t, r, "/"), webSocket(t, r, "/")
		large := make([]byte, 3<<20)
		if _, err := rand.Read(large); err != nil {
			t.Fatal(err)
		}
		for _, message := range [][]byte{[]byte("hello"), {}, []byte("héllo"), make([]byte, 126), make([]byte, 65536), large} {
			kind := websocket.TextMessage
			if len(message) > 100 {
				kind = websocket.BinaryMessage
			}
			say(t, ws, kind, message) // Large ones go in many pieces.
			hear(t, ws, kind, message)
		}
		say(t, ws, websocket.TextMessage, []byte("all of you"))
		hear(t, ws, websocket.TextMessage, []byte("all of you"))
		hear(t, other, websocket.TextMessage, []byte("all of you"))
		say(t, ws, websocket.TextMessage, []byte("count"))
		hear(t, ws, websocket.TextMessage, []byte("2"))
	})
}

func TestNode_WebSocketEnds(t *testing.T) {
	node(t, func(t *testing.T, l Language) {
		r := serve(t, l, "socket", "BODY_PARSER_LIMIT=1kb")
		for _, c := range []struct {
			kind    int
			message string
			code    int
		}{
			{websocket.TextMessage, "leave", 4001},
			{websocket.TextMessage, "\xff\xfe", 1007},
			{websocket.BinaryMessage, strings.Repeat("x", 2000), 1009},
		} {
			ws := webSocket(t, r, "/")
			say(t, ws, c.kind, []byte(c.message))
			wantClosed(t, ws, c.code)
		}
		wantClosed(t, webSocket(t, r, "/fails"), 1011)
		unmasked := webSocket(t, r, "/")
		send(t, unmasked.UnderlyingConn(), "\x81\x02hi")
		wantClosed(t, unmasked, 1002)
		leaves := webSocket(t, r, "/")
		if err := leaves.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(4123, ""), time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		wantClosed(t, leaves, 4123)
		r.await("told", func() bool { return strings.Contains(r.stdout.String(), "closed with 4123") })
	})
}

func TestNode_WebSocketsAreClosedBeforeTheProcessEnds(t *testing.T) {
	node(t, func(t *testing.T, l Language) {
		r := serve(t, l, "socket")
		ws := webSocket(t, r, "/")
		say(t, ws, websocket.TextMessage, []byte("fail")) // An error in an event does not end the process.
		say(t, ws, websocket.TextMessage, []byte("still here"))
		hear(t, ws, websocket.TextMessage, []byte("still here"))
		r.terminate()
		wantClosed(t, ws, 1001)
		mustEqual(t, "exit code", r.exit(), 0)
	})
}

func TestNode_WebSocketsThatNobodyHears(t *testing.T) {
	node(t, func(t *testing.T, l Language) {
		silent := serve(t, l, "socket", "TIMEOUT=20")
		ws := webSocket(t, silent, "/")
		ws.SetPingHandler(func(string) error { return nil }) // It does not answer.
		wantClosed(t, ws, websocket.CloseAbnormalClosure)
	})
}

func TestNode_UpgradesThatTheFunctionDoesNotTakeAreOrdinaryRequests(t *testing.T) {
	node(t, func(t *testing.T, l Language) {
		r := start(t, l)
		upgrade := []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="}
		wantText(t, r.do(http.MethodGet, "/", nil, upgrade...), http.StatusInternalServerError, "Generic container")
		r.mustLoad(l.place(t, "hello"), "")
		wantText(t, r.do(http.MethodGet, "/", nil, upgrade...), http.StatusOK, "Hello, world!")
		taker := serve(t, l, "socket")
		wantText(t, taker.do(http.MethodGet, "/", nil, upgrade[:6]...), http.StatusBadRequest, "handshake")
	})
}

func webSocket(t *testing.T, r *runtime, path string) *websocket.Conn {
	t.Helper()
	dialer := websocket.Dialer{HandshakeTimeout: patience, WriteBufferSize: 4096}
	ws, res, err := dialer.DialContext(t.Context(), "ws://"+r.addr+path, nil)
	if err != nil {
		t.Fatalf("%v: %+v", err, res)
	}
	res.Body.Close()
	t.Cleanup(func() { ws.Close() })
	if err := ws.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return ws
}

func say(t *testing.T, ws *websocket.Conn, kind int, message []byte) {
	t.Helper()
	w, err := ws.NextWriter(kind)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(message); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func hear(t *testing.T, ws *websocket.Conn, kind int, want []byte) {
	t.Helper()
	gotKind, got, err := ws.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	if gotKind != kind || !bytes.Equal(got, want) {
		t.Fatalf("heard %d bytes of kind %d, want %d of kind %d", len(got), gotKind, len(want), kind)
	}
}

func wantClosed(t *testing.T, ws *websocket.Conn, code int) {
	t.Helper()
	if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, code) {
		t.Fatalf("ended by %v, want %d", err, code)
	}
}

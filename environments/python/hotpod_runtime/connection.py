"""One connection: reads requests, has them answered, writes the answers."""

import socket
import struct

from .body import Body
from .http1 import ClientGone, HTTPError, has_body, parse_head, render_head

MAX_HEAD = 128 * 1024
# Longer than any idle time of the queue-proxy towards the runtime, so that it
# is never the runtime that closes a connection a request is already on.
IDLE_SECONDS = 75
_JOIN_BELOW = 16 * 1024
# Reading a refused body away is cheaper for everybody than a connection that breaks.
_DISCARD = 1 << 30
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class StreamError(Exception):
    """A function failed in the middle of its answer."""


class Request:
    """A request as the app gets it: the parsed head, the body to read, the peer's address."""

    __slots__ = ("head", "body", "peer")

    def __init__(self, head, body, peer):
        self.head = head
        self.body = body
        self.peer = peer


class Connection:
    """A client's connection, used by one thread."""

    def __init__(self, sock, peer, settings):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A timeout of the kernel's, since Python's own costs a poll for every call.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", IDLE_SECONDS, 0))
        self._sock = sock
        self._peer = peer
        self._limit = settings.body_limit
        self._buffer = b""

    def next_request(self):
        """The next request, or None when the client has gone or stays silent."""
        raw = self._read_head()
        if raw is None:
            return None
        head = parse_head(raw)
        on_read = (lambda: self._sock.sendall(_CONTINUE)) if head.expects_continue() else None
        return Request(head, Body(self, head.length, self._limit, on_read), self._peer)

    def answer(self, request, status, headers, body, keep_alive):
        """Writes an answer, whose body is bytes or yields them; whether the connection can go on.

        The request is None when it could not be understood.
        """
        head = request.head if request else None
        keep_alive = keep_alive and head is not None and head.keep_alive
        with_body = has_body(status, head.method if head else "GET")
        if isinstance(body, bytes):
            self._send_bytes(status, headers, body, with_body, keep_alive)
        else:
            keep_alive = self._send_stream(head, status, headers, body, with_body, keep_alive)
        return keep_alive and (request.body.exhausted or request.body.discard(_DISCARD))

    def read_some(self, most):
        """Between 1 and most bytes; none at the end of the connection."""
        if not self._buffer:
            return self._sock.recv(most)
        data, self._buffer = self._buffer[:most], self._buffer[most:]
        return data

    def read_line(self, most):
        """A line without its end; raises HTTPError when it is longer than most."""
        while b"\r\n" not in self._buffer:
            if len(self._buffer) > most:
                raise HTTPError(400, "line too long")
            data = self._sock.recv(65536)
            if not data:
                raise ClientGone
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def wake(self):
        """Ends a wait for the next request; may be called by another thread."""
        try:
            self._sock.shutdown(socket.SHUT_RD)
        except OSError:
            pass  # The client was faster.

    def close(self):
        """Closes the connection, so that the client still reads what was sent."""
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        self._sock.close()

    def _read_head(self):
        buffer = self._buffer.lstrip(b"\r\n")
        while (end := buffer.find(b"\r\n\r\n")) < 0:
            if len(buffer) > MAX_HEAD:
                raise HTTPError(431, f"request head larger than {MAX_HEAD} bytes")
            try:
                data = self._sock.recv(65536)
            except (BlockingIOError, ConnectionError):
                return None
            if not data:
                return None
            buffer = buffer + data if buffer else data.lstrip(b"\r\n")
        self._buffer = buffer[end + 4 :]
        return buffer[:end]

    def _send_bytes(self, status, headers, body, with_body, keep_alive):
        if with_body or (status != 204 and _length_of(headers) is None):
            headers = [pair for pair in headers if pair[0].lower() != "content-length"]
            headers.append(("Content-Length", len(body)))
        raw = render_head(status, headers, keep_alive)
        if not with_body:
            self._sock.sendall(raw)
        elif len(body) < _JOIN_BELOW:
            self._sock.sendall(raw + body)
        else:
            self._sock.sendall(raw, socket.MSG_MORE)
            self._sock.sendall(body)

    def _send_stream(self, head, status, headers, body, with_body, keep_alive):
        """Streams pieces: by length when it was said, chunked to HTTP/1.1, else until the end."""
        sized = _length_of(headers) is not None
        chunked = with_body and not sized and head.version == "HTTP/1.1"
        keep_alive = keep_alive and (chunked or sized or not with_body)
        self._sock.sendall(render_head(status, headers, keep_alive, chunked))
        try:
            if with_body:
                self._send_pieces(body, chunked)
        finally:
            if hasattr(body, "close"):
                body.close()
        return keep_alive

    def _send_pieces(self, body, chunked):
        for piece in _guarded(body):
            data = piece.encode() if isinstance(piece, str) else bytes(piece)
            if data:
                self._sock.sendall(b"%x\r\n%b\r\n" % (len(data), data) if chunked else data)
        if chunked:
            self._sock.sendall(b"0\r\n\r\n")


def _guarded(body):
    """The pieces of a body; what its iterator raises becomes a StreamError."""
    try:
        yield from body
    except Exception as err:
        raise StreamError from err


def _length_of(headers):
    """The Content-Length that a function gave, or None."""
    return next((value for name, value in headers if name.lower() == "content-length"), None)

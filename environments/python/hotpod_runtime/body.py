"""Request bodies: files that read from the connection only what the function asks for."""

import io

from .http1 import ClientGone, HTTPError

_PIECE = 64 * 1024
_MAX_CHUNK_LINE = 1024


class Body(io.RawIOBase):
    """A request body of a known length, or chunked (length None).

    Reading raises HTTPError(413) when it is longer than limit. It is used by the
    thread of its connection only.
    """

    def __init__(self, reader, length, limit, before_reading=None):
        super().__init__()
        self._reader = reader
        self._chunked = length is None
        self._left = length or 0
        self._allowed = limit - self._left
        self._limit = limit
        self._before_reading = before_reading
        self.exhausted = length == 0

    def readable(self):
        """Always true."""
        return True

    def readinto(self, buffer):
        """Reads some bytes; 0 at the body's end."""
        if self.exhausted:
            return 0
        if self._allowed < 0:
            raise too_large(self._limit)
        if self._before_reading:
            self._before_reading()
            self._before_reading = None
        if self._chunked and self._left == 0 and not self._next_chunk():
            return 0
        data = self._reader.read_some(min(len(buffer), self._left))
        if not data:
            raise ClientGone
        buffer[: len(data)] = data
        self._left -= len(data)
        self._after_piece()
        return len(data)

    def unlimited(self):
        """Lifts the limit, for who reads piece by piece; returns the body."""
        self._allowed = float("inf")
        return self

    def read_all(self):
        """The whole rest of the body."""
        pieces = []
        while not self.exhausted:
            piece = self.read(_PIECE if self._chunked else min(self._left, 1 << 20))
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def discard(self, most):
        """Reads up to most bytes away; whether that was the whole rest."""
        if self._before_reading and not self.exhausted:
            return False  # The client still waits for a 100; it will not send the body.
        self._allowed = most
        try:
            while not self.exhausted and most > 0:
                most -= len(self.read(min(_PIECE, most)))
        except HTTPError:
            return False  # What comes next on this connection cannot be told.
        return self.exhausted

    def _after_piece(self):
        if self._left > 0:
            return
        if self._chunked:
            self._reader.read_line(_MAX_CHUNK_LINE)
        else:
            self.exhausted = True

    def _next_chunk(self):
        size = self._reader.read_line(_MAX_CHUNK_LINE).split(b";", 1)[0].strip()
        if not size or len(size) > 15 or not all(c in b"0123456789abcdefABCDEF" for c in size):
            raise HTTPError(400, "malformed chunk")
        self._left = int(size, 16)
        self._allowed -= self._left
        if self._allowed < 0:
            raise too_large(self._limit)
        if self._left > 0:
            return True
        while self._reader.read_line(_MAX_CHUNK_LINE):
            pass  # Trailers mean nothing to a function.
        self.exhausted = True
        return False


def too_large(limit):
    """The answer to a body beyond the limit."""
    return HTTPError(413, f"request body larger than {limit} bytes (BODY_PARSER_LIMIT)")

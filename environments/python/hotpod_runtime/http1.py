"""HTTP/1.1 heads: parsing requests, writing answers. No input or output here."""

import time
from http import HTTPStatus

_REASONS = {status.value: status.phrase for status in HTTPStatus}
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_BODYLESS = frozenset([204, 304])
# The connection is the runtime's matter, whatever a function says about it.
_OURS = frozenset(["connection", "keep-alive", "transfer-encoding", "date"])


class HTTPError(Exception):
    """A request that is answered with a status and a text before any function sees it."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class ClientGone(Exception):
    """The client went away in the middle of its request."""


class InvalidHeader(ValueError):
    """A header of a function's that would break the answer."""


class Head:
    """A request's first lines.

    headers is a list of (name, value) as they came; fields holds them by their
    lower-case names, repeated ones joined by a comma (cookies by a semicolon).
    length is the body's size, or None when it is chunked.
    """

    __slots__ = ("method", "target", "version", "headers", "fields", "length", "keep_alive")

    def expects_continue(self):
        """Whether the client waits for a 100 before it sends the body."""
        return self.fields.get("expect", "").lower() == "100-continue"


def parse_head(raw):
    """Parses everything before the empty line; raises HTTPError(400) for what is not HTTP/1."""
    text = raw.decode("latin-1")
    lines = text.split("\r\n")
    breaks = len(lines) - 1
    if "\0" in text or text.count("\n") != breaks or text.count("\r") != breaks:
        raise HTTPError(400, "control characters in the request's head")
    head = Head()
    parts = lines[0].split(" ")
    if len(parts) != 3 or not _TOKEN.issuperset(parts[0]) or not parts[0]:
        raise HTTPError(400, "malformed request line")
    head.method, head.target, head.version = parts
    if head.version not in ("HTTP/1.1", "HTTP/1.0"):
        raise HTTPError(505, "only HTTP/1.1 and HTTP/1.0 are spoken here")
    _parse_fields(head, lines)
    _frame(head)
    return head


def _parse_fields(head, lines):
    head.headers = headers = []
    head.fields = fields = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        key = _keys.get(name) or _key_of(name)
        if not colon:
            raise HTTPError(400, "malformed header line")
        value = value.strip(" \t")
        headers.append((name, value))
        fields[key] = _join(key, fields[key], value) if key in fields else value


# The lower-case names of headers seen before: requests repeat them, and checking a name is slow.
_keys = {}
_MAX_KEYS = 1000


def _key_of(name):
    if not name or not _TOKEN.issuperset(name):
        raise HTTPError(400, "malformed header line")
    if len(_keys) < _MAX_KEYS:
        _keys[name] = name.lower()
    return name.lower()


def _join(key, before, value):
    """The value of a header that comes again."""
    if key != "content-length":
        return f"{before}; {value}" if key == "cookie" else f"{before},{value}"
    if before != value:
        raise HTTPError(400, "contradicting Content-Length")
    return value


def _frame(head):
    """Finds how long the body is and whether the connection stays open."""
    fields = head.fields
    coding = fields.get("transfer-encoding")
    if coding is not None:
        if coding.lower() != "chunked" or "content-length" in fields:
            raise HTTPError(400, "unclear body length")
        head.length = None
    else:
        length = fields.get("content-length", "0")
        if not length.isascii() or not length.isdigit():
            raise HTTPError(400, "malformed Content-Length")
        head.length = int(length)
    connection = fields.get("connection", "").lower()
    head.keep_alive = "close" not in connection if head.version == "HTTP/1.1" else "keep-alive" in connection


def has_body(status, method):
    """Whether an answer with this status to this method has a body on the wire."""
    return method != "HEAD" and status not in _BODYLESS and status >= 200


def render_head(status, headers, keep_alive, chunked=False):
    """Returns the bytes of an answer's head; raises InvalidHeader."""
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}"]
    for name, value in headers:
        if name.lower() in _OURS:
            continue
        line = f"{name}: {value}"
        if "\r" in line or "\n" in line or "\0" in line or not _TOKEN.issuperset(name):
            raise InvalidHeader(f"the function set an invalid header {name!r}")
        lines.append(line)
    if chunked:
        lines.append("Transfer-Encoding: chunked")
    lines.append(_date_line())
    lines.append("Connection: keep-alive\r\n\r\n" if keep_alive else "Connection: close\r\n\r\n")
    return "\r\n".join(lines).encode("latin-1", "replace")


_date = (0, "")


def _date_line():
    """The Date header, formatted once a second."""
    global _date
    now = int(time.time())
    if _date[0] != now:
        _date = (now, time.strftime("Date: %a, %d %b %Y %H:%M:%S GMT", time.gmtime(now)))
    return _date[1]

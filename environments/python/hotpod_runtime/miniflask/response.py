"""Answers, and how what a function returns becomes one."""

import json
from http import HTTPStatus

from .datastructures import Headers

HTML = "text/html; charset=utf-8"


class Response:
    """An answer: a body (text, bytes or what yields them), a status and headers."""

    def __init__(self, response=None, status=200, headers=None, mimetype=None, content_type=None):
        self.headers = Headers(headers or ())
        self.status = status
        kind = content_type or mimetype
        if kind is not None:
            self.headers.set("Content-Type", with_charset(kind))
        elif "Content-Type" not in self.headers:
            self.headers.set("Content-Type", HTML)
        self.response = response if response is not None else b""

    @property
    def status(self):
        """The status as a line, such as `200 OK`."""
        return f"{self.status_code} {HTTPStatus(self.status_code).phrase}"

    @status.setter
    def status(self, value):
        self.status_code = int(str(value).split(" ", 1)[0]) if not isinstance(value, int) else int(value)

    @property
    def data(self):
        """The body as bytes; a stream is read for it."""
        if not isinstance(self.response, (bytes, str)):
            self.response = b"".join(to_bytes(piece) for piece in self.response)
        return to_bytes(self.response)

    @data.setter
    def data(self, value):
        self.response = to_bytes(value)

    set_data = data.fset

    def get_data(self, as_text=False):
        """The body as bytes, or as text."""
        return self.data.decode() if as_text else self.data

    @property
    def json(self):
        """The body parsed as JSON."""
        return json.loads(self.data)

    get_json = json.fget

    @property
    def mimetype(self):
        """The Content-Type without parameters."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip()

    @mimetype.setter
    def mimetype(self, value):
        self.headers.set("Content-Type", with_charset(value))

    @property
    def content_type(self):
        """The Content-Type."""
        return self.headers.get("Content-Type")

    @content_type.setter
    def content_type(self, value):
        self.headers.set("Content-Type", value)

    def set_cookie(self, key, value="", max_age=None, path="/", domain=None, secure=False, httponly=False, samesite=None):
        """Adds a Set-Cookie header."""
        parts = [f"{key}={value}"]
        parts += [f"Max-Age={int(max_age)}"] if max_age is not None else []
        parts += [f"Domain={domain}"] if domain else []
        parts += [f"Path={path}"] if path else []
        parts += ["Secure"] if secure else []
        parts += ["HttpOnly"] if httponly else []
        parts += [f"SameSite={samesite}"] if samesite else []
        self.headers.add("Set-Cookie", "; ".join(parts))

    def delete_cookie(self, key, path="/", domain=None):
        """Tells the client to forget a cookie."""
        self.set_cookie(key, "", max_age=0, path=path, domain=domain)


def make_response(*args):
    """Makes a Response of what a function may return: a body, or (body, status, headers)."""
    value = args[0] if len(args) == 1 else args
    body, status, headers = _unpack(value)
    response = _from_body(body)
    if status is not None:
        response.status = status
    for name, header in headers.items() if hasattr(headers, "items") else headers or ():
        values = header if isinstance(header, (list, tuple)) else [header]
        response.headers.remove(name)
        for each in values:
            response.headers.add(name, each)
    return response


def _unpack(value):
    if not isinstance(value, tuple):
        return value, None, None
    if len(value) == 3:
        return value
    if len(value) == 2:
        second = value[1]
        return (value[0], None, second) if isinstance(second, (dict, list, tuple, Headers)) else (value[0], second, None)
    raise TypeError("a function's tuple must be (body, status, headers), (body, status) or (body, headers)")


def _from_body(body):
    if isinstance(body, Response):
        return body
    if body is None:
        return Response(b"")
    if isinstance(body, (dict, list)):
        return jsonify(body)
    if isinstance(body, (str, bytes, bytearray)) or hasattr(body, "__next__"):
        return Response(body)
    raise TypeError(
        "a function must return text, bytes, a dict, a list, a Response, an iterator "
        f"or a tuple that begins with one of them, not {type(body).__name__}"
    )


def jsonify(*args, **kwargs):
    """A Response with its arguments as JSON: one value, several as a list, or named ones as an object."""
    value = kwargs or (args[0] if len(args) == 1 else list(args))
    return Response(json.dumps(value, default=str, ensure_ascii=False) + "\n", mimetype="application/json")


def redirect(location, code=302):
    """A Response that sends the client elsewhere."""
    return Response("", code, {"Location": location})


def stream_with_context(generator):
    """The generator itself: the request stays the current one while its answer is streamed."""
    return generator


def to_bytes(value):
    """Text as UTF-8, or bytes as they are."""
    return value.encode() if isinstance(value, str) else bytes(value)


def with_charset(kind):
    """A text type with its charset."""
    return f"{kind}; charset=utf-8" if kind.startswith("text/") and "charset" not in kind else kind

"""WSGI applications, among them Flask itself, for functions that bring it or images that have it."""

import io
import itertools
import sys
from urllib.parse import unquote_to_bytes

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def bridge(function):
    """Returns how to call a Flask view function with a runtime's Request."""
    import flask

    app = flask.Flask("function", static_folder=None)
    app.logger.setLevel("DEBUG")

    def view(path=""):
        result = app.ensure_sync(function)()
        return "" if result is None else result

    options = {"methods": _METHODS, "provide_automatic_options": False, "strict_slashes": False}
    app.add_url_rule("/", "function", view, **options)
    app.add_url_rule("/<path:path>", "function", view, **options)
    app.url_map.merge_slashes = False
    app.config["PROPAGATE_EXCEPTIONS"] = True
    return serve(app.wsgi_app)


def serve(app):
    """Returns how to call a WSGI application with a runtime's Request."""

    def call(request):
        started = []
        written = []

        def start_response(status, headers, exc_info=None):
            if started and exc_info is None:
                raise AssertionError("start_response was called twice")
            started[:] = [int(status.split(" ", 1)[0]), list(headers)]
            return written.append

        body = app(environ_of(request), start_response)
        pieces = iter(body)
        first = next(pieces, None)  # An application may call start_response only when it is iterated.
        if not started:
            raise AssertionError("the application did not call start_response")
        if first is not None:
            written.append(first)
        status, headers = started
        if isinstance(body, (list, tuple)):
            return status, headers, b"".join([*written, *pieces])
        return status, headers, _Pieces(written, pieces, body)

    return call


class _Pieces:
    """What an application wrote and what it still yields; closing it closes the application's answer."""

    def __init__(self, written, rest, body):
        self._pieces = itertools.chain(written, rest)
        self._body = body

    def __iter__(self):
        return self._pieces

    def close(self):
        """Closes the application's answer."""
        if hasattr(self._body, "close"):
            self._body.close()


def environ_of(request):
    """The request as WSGI has it."""
    head = request.head
    path, _, query = head.target.partition("?")
    environ = {
        "REQUEST_METHOD": head.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "REQUEST_URI": head.target,
        "SERVER_PROTOCOL": head.version,
        "REMOTE_ADDR": request.peer,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": head.fields.get("x-forwarded-proto", "http"),
        "wsgi.input": io.BufferedReader(request.body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    host, _, port = head.fields.get("host", "localhost").partition(":")
    environ["SERVER_NAME"] = host
    environ["SERVER_PORT"] = port or "80"
    for name, value in head.fields.items():
        key = name.upper().replace("-", "_")
        environ[key if name in ("content-type", "content-length") else f"HTTP_{key}"] = value
    return environ

"""The bridge to Flask itself, for functions that bring it or images that have it."""

import io
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
    return lambda request: _call(app.wsgi_app, request)


def _call(wsgi_app, request):
    started = []

    def start_response(status, headers, exc_info=None):
        started[:] = [int(status.split(" ", 1)[0]), headers]

    body = wsgi_app(environ_of(request), start_response)
    status, headers = started
    return status, headers, body


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

"""What a request gets: the life of a runtime process, generic until one specialize call."""

import json
import os
import sys
import threading
import time
import traceback

from .http1 import ClientGone, HTTPError
from .kind import kind_of
from .loader import load_function
from .miniflask import bridge as miniflask_bridge

_TEXT = [("Content-Type", "text/plain; charset=utf-8")]
_HERE = os.path.dirname(os.path.abspath(__file__))


class App:
    """Answers requests; handle may be called by many threads at once.

    main_thread.call runs the load of the function's code.
    """

    def __init__(self, settings, main_thread):
        self._settings = settings
        self._main_thread = main_thread
        self._loading = threading.Lock()
        self._call = None
        if settings.flask == "installed":
            import flask  # noqa: F401  Slow to import, so before a user waits for it.

    def handle(self, request):
        """Returns (status, headers, body); body is bytes or yields bytes or text."""
        head = request.head
        try:
            if head.target in ("/v2/specialize", "/specialize") and head.method == "POST":
                return self._specialize(request)
            if head.target == "/healthz" and head.method in ("GET", "HEAD"):
                return _text(200, "OK\n")
            if self._call is None:
                return _text(500, "Generic container: no requests supported\n")
            return self._call(request)
        except HTTPError as err:
            return _text(err.status, f"{err}\n")
        except SystemExit as err:
            _leave(err)
        except ClientGone:
            raise
        except BaseException as err:
            return self.failed(err)

    def _specialize(self, request):
        if not self._loading.acquire(blocking=False):
            return _text(400, "Not a generic container\n")
        try:
            if self._call is not None:
                return _text(400, "Not a generic container\n")
            filepath, entry, variables = self._load_request(request)
            os.environ.update(variables)
            return self._load(filepath, entry)
        finally:
            self._loading.release()

    def _load_request(self, request):
        """The path, the entry point and the variables; version 1 has a fixed path, and a body
        only when the function has variables."""
        raw = request.body.read_all()
        if request.head.target == "/specialize":
            return self._settings.code_path, "", _variables(_parse(raw)) if raw else {}
        asked = _parse(raw)
        filepath = asked.get("filepath") if isinstance(asked, dict) else None
        if not filepath or not isinstance(filepath, str):
            raise HTTPError(400, "specialize: the body must be JSON with a filepath")
        return filepath, asked.get("functionName") or "", _variables(asked)

    def _load(self, filepath, entry):
        began = time.perf_counter()
        try:
            self._call = self._main_thread.call(lambda: _load(filepath, entry, self._settings.flask))
        except SystemExit as err:
            _leave(err)
        except BaseException as err:
            text = _stack(err)
            print("function cannot be loaded:", text, sep="\n", end="", file=sys.stderr)
            return _text(500, text)
        print(f"function loaded from {filepath} in {(time.perf_counter() - began) * 1e3:.1f} ms")
        return _text(200, "")

    def failed(self, err):
        """The answer to a call that ended with err, which is logged."""
        print("function error:", _stack(err), sep="\n", end="", file=sys.stderr)
        detail = f": {type(err).__name__}: {err}" if self._settings.show_errors else ""
        return _text(500, f"Internal server error{detail}\n")


def _parse(raw):
    try:
        return json.loads(raw)
    except ValueError:
        raise HTTPError(400, "specialize: the body must be JSON") from None


def _variables(asked):
    variables = asked.get("env") or {} if isinstance(asked, dict) else None
    if not isinstance(variables, dict) or not all(isinstance(value, str) for value in variables.values()):
        raise HTTPError(400, "specialize: env must be an object of strings")
    return variables


def _load(filepath, entry, flask):
    """Loads a function and returns how to call it with a Request."""
    with_flask = flask == "installed" or os.path.isdir(os.path.join(filepath, "flask"))
    if not with_flask:
        miniflask_bridge.install()
    function = load_function(filepath, entry)
    kind = kind_of(function)
    if kind == "wsgi":
        return _serve_wsgi(function)
    if kind == "asgi":
        from . import asgi  # Slow to import; an ASGI application has done it.

        return asgi.bridge(function)
    # Flask costs time in every call, so a function that never asks for it does without.
    if kind == "request" or not with_flask or "flask" not in sys.modules:
        return miniflask_bridge.bridge(function, kind == "request")
    from . import wsgi

    return wsgi.bridge(function)


def _serve_wsgi(app):
    from . import wsgi

    call = wsgi.serve(app)

    def unlimited(request):
        request.body.unlimited()  # The application reads as it likes.
        return call(request)

    return unlimited


def _leave(err):
    """Ends the process as the function asked by sys.exit()."""
    from .process import leave

    if err.code is not None and not isinstance(err.code, int):
        print(err.code, file=sys.stderr)
    leave(err.code if isinstance(err.code, int) else int(err.code is not None))


def _stack(err):
    """The function's own part of the stack."""
    trace = err.__traceback__
    while trace is not None and _is_ours(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(err), err, trace))


def _is_ours(filename):
    return filename.startswith(_HERE) or filename.startswith("<frozen importlib")


def _text(status, text):
    return status, _TEXT, text.encode("utf-8", "replace")

"""From a request to a call of a function that uses miniflask, and back."""

import sys
import threading

from ..kind import is_async
from . import context
from .argument import RequestArgument
from .errors import HTTPException
from .request import Request
from .response import Response, make_response, to_bytes

_loops = threading.local()


def install():
    """Makes `import flask` find miniflask."""
    package = sys.modules[__package__]
    sys.modules["flask"] = package


def bridge(function, takes_request=False):
    """Returns how to call a function with a runtime's Request: (status, headers, body)."""
    asynchronous = is_async(function)

    def call(raw):
        request = RequestArgument(raw) if takes_request else Request(raw)
        arguments = (request,) if takes_request else ()
        context.begin(request)
        try:
            result = function(*arguments)
            if asynchronous:
                result = _run(result)
            return _render(make_response(result))
        except HTTPException as err:
            return _render(_from_exception(err))

    return call


def _render(response):
    body = response.response
    if isinstance(body, (str, bytes, bytearray)):
        body = to_bytes(body)
    return response.status_code, response.headers.items(), body


def _from_exception(err):
    if err.response is not None:
        return make_response(err.response)
    return Response(f"{err}\n", err.code, mimetype="text/plain")


def _run(coroutine):
    """Runs an async function to its end, on an event loop that the thread keeps."""
    import asyncio  # Slow to import; an async function has done it.

    loop = getattr(_loops, "loop", None)
    if loop is None:
        loop = _loops.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
    return loop.run_until_complete(coroutine)

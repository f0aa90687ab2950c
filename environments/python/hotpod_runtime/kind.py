"""Which kind of function a callable is, told by the arguments that it must get."""

import inspect

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def kind_of(function):
    """Returns `asgi` (scope, receive, send; asynchronous), `wsgi` (environ, start_response), `request`
    (one argument, whatever its name) or `view` (no argument); raises TypeError for what is none of them."""
    needed = _needed(function)
    if needed == 0:
        return "view"
    if needed == 1:
        return "request"
    if needed == 2:
        return "wsgi"
    if needed == 3 and is_async(function):
        return "asgi"
    raise TypeError(
        f"a function takes no argument, (request), (environ, start_response) as WSGI has it, or is "
        f"async with (scope, receive, send) as ASGI has it; {function!r} needs {needed}"
    )


def is_async(function):
    """Whether calling it gives a coroutine, also for objects with such a __call__."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))


def _needed(function):
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 0  # Written in C, without a signature.
    return sum(p.kind in _POSITIONAL and p.default is inspect.Parameter.empty for p in parameters)

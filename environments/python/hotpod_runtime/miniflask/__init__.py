"""What `import flask` gets when neither function nor environment brings Flask.

The part of Flask that functions use: the request, responses, errors and the
logger. A name that is not here says so and what to do about it.
"""

import json

from .context import current_app, g
from .errors import HTTPException, abort
from .request import request
from .response import Response, jsonify, make_response, redirect, stream_with_context

__all__ = [
    "HTTPException",
    "Response",
    "abort",
    "current_app",
    "g",
    "json",
    "jsonify",
    "make_response",
    "redirect",
    "request",
    "stream_with_context",
]


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    raise AttributeError(
        f"flask.{name} is not in the runtime's small stand-in for Flask; "
        "add flask to the function's requirements.txt, or set HOTPOD_FLASK=installed "
        "in an environment whose image has Flask"
    )

"""Streams `first`, then, after a call of /release, `second`; /broken fails in between."""

import threading

from flask import Response, request

release = threading.Event()


def pieces(broken):
    yield "first\n"
    release.wait()
    if broken:
        raise RuntimeError("broken in the middle")
    yield "second\n"


def main():
    if request.path == "/release":
        release.set()
        return "released"
    release.clear()
    return Response(pieces(request.path == "/broken"), mimetype="text/plain")

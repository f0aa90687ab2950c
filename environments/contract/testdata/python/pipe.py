"""Answers with the request's body as it comes."""

from flask import Response, request


def main():
    stream = request.stream
    return Response(iter(lambda: stream.read(1 << 18), b""), mimetype="application/octet-stream")

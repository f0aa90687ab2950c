"""Answers with the request's body, byte for byte."""

from flask import Response, request


def main():
    return Response(request.get_data(), mimetype="application/octet-stream")

"""Answers with the status that the query asks for, two cookies and a header."""

from flask import make_response, request


def main():
    response = make_response("as asked\n", int(request.args["status"]), {"X-Custom": "yes", "Content-Type": "text/plain"})
    response.set_cookie("a", "1", path=None)
    response.set_cookie("b", "2", path=None)
    return response

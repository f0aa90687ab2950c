"""Answers with as many bytes as the query asks for."""

from flask import request


def main():
    return b"x" * int(request.args["bytes"])

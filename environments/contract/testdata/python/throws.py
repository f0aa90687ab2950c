"""Fails when it is called, but not at /fine."""

from flask import request


def main():
    if request.path == "/fine":
        return "fine"
    return explode()


def explode():
    raise RuntimeError("boom at call")

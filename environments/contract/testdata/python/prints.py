"""Prints a line, and answers only after /release."""

import threading

from flask import request

release = threading.Event()


def main():
    if request.path == "/release":
        release.set()
        return ""
    print("a line of the function")
    release.wait()
    return "printed"

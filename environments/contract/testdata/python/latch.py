"""A call of /release ends the oldest call of /wait; /count says how many wait."""

import threading

from flask import request

waiting = []


def main():
    if request.path == "/count":
        return str(len(waiting))
    if request.path == "/release":
        waiting.pop(0).set()
        return "released"
    event = threading.Event()
    waiting.append(event)
    event.wait()
    return "waited"

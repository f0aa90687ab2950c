"""The main thread: it loads the function's code, waits for signals and ends in order."""

import atexit
import os
import queue
import signal
import sys
import threading

from .app import App
from .server import Server
from .settings import Settings


def run(env):
    """Runs the runtime until SIGTERM or SIGINT; returns the exit status."""
    _log_by_line()
    jobs = queue.SimpleQueue()
    try:
        settings = Settings(env)
        server = Server(App(settings, MainThread(jobs)), settings)
    except (ValueError, OSError) as err:
        print(f"python runtime: {err}", file=sys.stderr)
        return 2
    _drain_on_signal(server, jobs)
    sys.dont_write_bytecode = True  # A function is loaded once in a pod's life.
    server.start()
    while True:
        jobs.get()()


def _drain_on_signal(server, jobs):
    """On SIGTERM or SIGINT: no new connections, answer what is in flight, exit 0."""

    def drain():
        server.drain()
        leave(0)

    def stop(*_):
        jobs.put(lambda: threading.Thread(target=drain).start())

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


class MainThread:
    """Runs calls on the main thread, where code may expect to be imported: signal
    handlers and event loops can be set up only there."""

    def __init__(self, jobs):
        self._jobs = jobs

    def call(self, func):
        """Runs func on the main thread; returns what it returns and raises what it raises."""
        done = threading.Event()
        outcome = []

        def job():
            try:
                outcome.append((func(), None))
            except BaseException as err:  # SystemExit too: the caller decides.
                outcome.append((None, err))
            done.set()

        self._jobs.put(job)
        done.wait()
        result, err = outcome[0]
        if err is not None:
            raise err
        return result


def leave(status):
    """Ends the process at once, also from another thread and with threads of the
    function's still running; what was printed is written, exit handlers run."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass
    os._exit(status)


def _log_by_line():
    """A printed line is written at once, in one piece."""
    sys.stdout.reconfigure(line_buffering=True)
    sys.stderr.reconfigure(line_buffering=True)

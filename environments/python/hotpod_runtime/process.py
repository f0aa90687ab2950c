"""The main thread: it loads the function's code, waits for signals and ends in order."""

import atexit
import collections
import os
import signal
import socket
import sys
import threading

from .app import App
from .server import Server
from .settings import Settings
from .tags import tag_outputs


def run(env):
    """Runs the runtime until SIGTERM or SIGINT; returns the exit status of a failed start."""
    _log_by_line()
    tag_outputs(os.environ)
    main_thread = MainThread()
    try:
        settings = Settings(env)
        server = Server(App(settings, main_thread), settings)
    except (ValueError, OSError, ImportError) as err:
        print(f"python runtime: {err}", file=sys.stderr)
        return 2
    _drain_on_signal(server)
    sys.dont_write_bytecode = True  # A function is loaded once in a pod's life.
    server.start()
    return main_thread.work()


def _drain_on_signal(server):
    """On SIGTERM or SIGINT: no new connections, answer what is in flight, exit 0."""

    def drain():
        server.drain()
        leave(0)

    def stop(*_):
        threading.Thread(target=drain).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


class MainThread:
    """Runs calls on the main thread, where code may expect to be imported: signal
    handlers and event loops can be set up only there."""

    def __init__(self):
        self._jobs = collections.deque()
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)

    def work(self):
        """Runs what call is given; never returns.

        Python runs signal handlers on this thread, but a signal that comes just before
        it falls asleep does not wake it: so it waits on a socket that signals write to.
        """
        while True:
            signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
            self._woken.recv(64)
            while self._jobs:
                self._jobs.popleft()()

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

        self._jobs.append(job)
        self._wake.send(b"j")
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

"""Connections, one thread each, and draining.

Threads suit a runtime: the queue-proxy keeps few connections, one for each
request that a pod may have at a time, and a thread that blocks in recv is the
shortest way from a request to a function that is not asynchronous.
"""

import socket
import sys
import threading
import traceback

from .connection import Connection, StreamError
from .http1 import ClientGone, HTTPError, InvalidHeader
from .tags import Call

_BACKLOG = 1024
_TEXT = ("Content-Type", "text/plain; charset=utf-8")


class Server:
    """Accepts connections and has their requests answered by app.handle(request)."""

    def __init__(self, app, settings):
        self._app = app
        self._settings = settings
        self._slots = threading.BoundedSemaphore(settings.max_connections)
        self._changed = threading.Condition()  # Guards the three below.
        self._idle = set()
        self._busy = set()
        self._draining = False
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((settings.host, settings.port))

    def start(self):
        """Begins to listen; returns at once."""
        self._listener.listen(_BACKLOG)
        threading.Thread(target=self._accept, name="accept", daemon=True).start()

    def drain(self):
        """Stops listening, closes idle connections and returns after the last answer."""
        with self._changed:
            self._draining = True
            self._listener.close()
            for connection in self._idle:
                connection.wake()
            while self._busy or self._idle:
                self._changed.wait()

    def _accept(self):
        while True:
            self._slots.acquire()
            try:
                sock, peer = self._listener.accept()
            except OSError:
                if self._draining:
                    return
                self._slots.release()
                continue
            threading.Thread(target=self._serve, args=(sock, peer[0]), daemon=True).start()

    def _serve(self, sock, peer):
        connection = Connection(sock, peer, self._settings)
        try:
            while self._wait(connection) and self._one(connection):
                pass
        except (OSError, ClientGone):
            pass  # The client went away; nobody is left to tell.
        finally:
            self._forget(connection)
            connection.close()
            self._slots.release()

    def _wait(self, connection):
        """Marks a connection as idle; false when it shall close instead."""
        with self._changed:
            self._busy.discard(connection)
            if self._draining:
                return False
            self._idle.add(connection)
            return True

    def _one(self, connection):
        """Serves one request; false when the connection is done."""
        try:
            request = connection.next_request()
        except HTTPError as err:
            connection.answer(None, err.status, [_TEXT], f"{err}\n".encode(), False)
            return False
        with self._changed:
            self._idle.discard(connection)
            self._busy.add(connection)
        if request is None:
            return False
        with Call(request.head.fields):
            return self._answer(connection, request)

    def _answer(self, connection, request):
        keep_alive = not self._draining
        try:
            try:
                return connection.answer(request, *self._app.handle(request), keep_alive)
            except InvalidHeader as err:
                return connection.answer(request, *self._app.failed(err), keep_alive)
        except StreamError as err:
            print("function error while streaming:", file=sys.stderr)
            traceback.print_exception(type(err.__cause__), err.__cause__, err.__cause__.__traceback__)
            return False

    def _forget(self, connection):
        with self._changed:
            self._idle.discard(connection)
            self._busy.discard(connection)
            self._changed.notify_all()

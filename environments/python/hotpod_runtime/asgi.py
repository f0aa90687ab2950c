"""ASGI applications: one event loop in a thread of its own, which all requests share."""

import asyncio
import atexit
import queue
import threading
from urllib.parse import unquote

_PIECE = 64 * 1024
_LIFESPAN_SECONDS = 30


class Ended:
    """What follows the last message of an application's."""


def bridge(app):
    """Starts the application and returns how to call it with a runtime's Request."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="asgi", daemon=True).start()
    lifespan = _Lifespan(app, loop)
    lifespan.start()
    atexit.register(lifespan.stop)
    return lambda request: _Exchange(request, loop, lifespan.state).answer(app)


class _Lifespan:
    """Start and end of an application; one that knows nothing of them is left in peace."""

    def __init__(self, app, loop):
        self._loop = loop
        self._inbox = None
        self._said = queue.SimpleQueue()
        self._app = app
        self._ends = True
        self.state = {}

    def start(self):
        asyncio.run_coroutine_threadsafe(self._run(), self._loop)
        message = self._said.get(timeout=_LIFESPAN_SECONDS)
        if message["type"] == "lifespan.startup.failed":
            raise RuntimeError(f"the application does not start: {message.get('message', '')}")
        self._ends = message["type"] == "lifespan.startup.complete"

    def stop(self):
        if self._ends:
            self._loop.call_soon_threadsafe(self._inbox.put_nowait, {"type": "lifespan.shutdown"})
            self._said.get(timeout=_LIFESPAN_SECONDS)

    async def _run(self):
        self._inbox = asyncio.Queue()  # Here, since a queue belongs to the loop that it is made in.
        self._inbox.put_nowait({"type": "lifespan.startup"})

        async def send(message):
            self._said.put(message)

        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._app(scope, self._inbox.get, send)
        except BaseException:  # It is how applications say that they have no lifespan.
            pass
        self._said.put({"type": "ended"})


class _Exchange:
    """One request to the application and its answer."""

    def __init__(self, request, loop, state):
        self._request = request
        self._loop = loop
        self._state = state
        self._messages = queue.Queue(maxsize=16)
        self._read = False
        request.body.unlimited()

    def answer(self, app):
        """Returns (status, headers, body); raises what the application raises before it answers."""
        task = asyncio.run_coroutine_threadsafe(self._run(app), self._loop)
        start = self._messages.get()
        if start is Ended:
            task.result()
            raise RuntimeError("the application ended without an answer")
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start.get("headers", ())]
        first = self._messages.get()
        if first is not Ended and not first.get("more_body"):
            return start["status"], headers, bytes(first.get("body", b""))
        return start["status"], headers, self._pieces(first, task)

    async def _run(self, app):
        try:
            await app(self._scope(), self._receive, self._send)
        finally:
            await self._put(Ended)

    async def _send(self, message):
        if message["type"] not in ("http.response.start", "http.response.body"):
            raise ValueError(f"the runtime knows no message {message['type']}")
        await self._put(message)

    async def _put(self, message):
        while True:
            try:
                return self._messages.put_nowait(message)
            except queue.Full:  # The client reads more slowly than the application writes.
                await asyncio.sleep(0.002)

    async def _receive(self):
        if self._read:
            await asyncio.Event().wait()  # Until the task is cancelled: nothing else tells that a client left.
        body = await self._loop.run_in_executor(None, self._request.body.read, _PIECE)
        self._read = not body or self._request.body.exhausted
        return {"type": "http.request", "body": body, "more_body": not self._read}

    def _pieces(self, message, task):
        try:
            while message is not Ended:
                if message.get("body"):
                    yield bytes(message["body"])
                if not message.get("more_body"):
                    return  # The application may go on in the background.
                message = self._messages.get()
        except GeneratorExit:
            task.cancel()  # The client left.
            _drain(self._messages)
            raise
        task.result()
        raise RuntimeError("the application ended in the middle of its answer")

    def _scope(self):
        head = self._request.head
        path, _, query = head.target.partition("?")
        host, _, port = head.fields.get("host", "localhost").partition(":")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": head.version[5:],
            "method": head.method,
            "scheme": head.fields.get("x-forwarded-proto", "http"),
            "path": unquote(path),
            "raw_path": path.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "root_path": "",
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in head.headers],
            "client": (self._request.peer, 0),
            "server": (host, int(port or 80)),
            "state": dict(self._state),
        }


def _drain(messages):
    """Makes room, so that an application that still writes comes to its end."""
    try:
        while True:
            messages.get_nowait()
    except queue.Empty:
        pass


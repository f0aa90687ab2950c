"""What is printed during a call is tagged with the id of its request: see docs/logs.md."""

import contextvars
import re
import sys
import threading

_current = contextvars.ContextVar("hotpod_call", default=None)
_FOREIGN = re.compile(r"[^A-Za-z0-9._:=/+-]")
_TRACE = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})")
_MAX_ID = 128


def tag_outputs(env):
    """Has both outputs tag lines, unless HOTPOD_LOG_TAGS is "false"."""
    sys.stdout, sys.stderr = _Output(sys.stdout, 0, env), _Output(sys.stderr, 1, env)


class Call:
    """A request's lines, from enter to leave, on this thread and in what it starts on an event loop."""

    def __init__(self, fields):
        self.fields = fields
        self.lock = threading.Lock()
        self.begun = ["", ""]  # Of each output, what has no end of line yet.
        self._tag = None

    def __enter__(self):
        self._token = _current.set(self)
        return self

    def __exit__(self, *_):
        _current.reset(self._token)
        for output, text in enumerate(self.begun):
            if text:
                (sys.stdout, sys.stderr)[output].finish(self)

    def tag(self):
        """The beginning of a tagged line and of a tagged JSON object; "" without an id."""
        if self._tag is None:
            self._tag = _tag_of(self.fields)
        return self._tag


def _tag_of(fields):
    request = _FOREIGN.sub("_", (fields.get("x-fission-request-id") or fields.get("x-request-id") or "")[:_MAX_ID])
    if not request:
        return ("", "")
    trace = _TRACE.fullmatch(fields.get("traceparent", ""))
    if trace and int(trace[2], 16) & 1:
        return f"[req {request} trace {trace[1]}]", f'{{"request_id":"{request}","trace_id":"{trace[1]}",'
    return f"[req {request}]", f'{{"request_id":"{request}",'


class _Output:
    """An output whose lines are written whole. All but writing is the real one's."""

    def __init__(self, real, index, env):
        self._real = real
        self._index = index
        self._env = env

    def __getattr__(self, name):
        return getattr(self._real, name)

    def write(self, text):
        call = _current.get()
        if call is None or not call.tag()[0] or self._env.get("HOTPOD_LOG_TAGS") == "false":
            return self._real.write(text)
        with call.lock:
            whole, newline, rest = (call.begun[self._index] + text).rpartition("\n")
            call.begun[self._index] = rest
            if newline:
                self._real.write(_tagged(whole, call.tag()))
        return len(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def finish(self, call):
        """Writes what the call began and did not end."""
        with call.lock:
            text, call.begun[self._index] = call.begun[self._index], ""
        self._real.write(_tagged(text, call.tag()))


def _tagged(text, tag):
    return "".join(_line(line, tag, " " if i == 0 else "+") for i, line in enumerate(text.split("\n")))


def _line(line, tag, mark):
    if line.startswith('{"') and line.endswith("}"):
        return f"{tag[1]}{line[1:]}\n"
    return f"{tag[0]}{mark}{line}\n"

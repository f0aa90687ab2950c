"""What belongs to the request that the current thread or task works on."""

import contextvars
import logging
import sys

current = contextvars.ContextVar("request")
_globals = contextvars.ContextVar("g")


class Proxy:
    """Stands for an object that each request has its own of."""

    def __init__(self, find):
        object.__setattr__(self, "_find", find)

    def __getattr__(self, name):
        return getattr(self._find(), name)

    def __setattr__(self, name, value):
        setattr(self._find(), name, value)

    def __delattr__(self, name):
        delattr(self._find(), name)

    def __contains__(self, name):
        return name in self._find()

    def __repr__(self):
        return repr(self._find())


def find_request():
    """The current request; raises RuntimeError outside of one."""
    try:
        return current.get()
    except LookupError:
        raise RuntimeError("there is no request here: flask.request works while a function is called") from None


class _Globals:
    def get(self, name, default=None):
        return self.__dict__.get(name, default)

    def pop(self, name, default=None):
        return self.__dict__.pop(name, default)

    def setdefault(self, name, default=None):
        return self.__dict__.setdefault(name, default)

    def __contains__(self, name):
        return name in self.__dict__


def _find_globals():
    return _globals.get()


def begin(new_request):
    """Makes a request the current one of this thread."""
    current.set(new_request)
    _globals.set(_Globals())


g = Proxy(_find_globals)


class _App:
    """What functions use of the application object: its logger, and an empty config."""

    name = "function"
    debug = False

    def __init__(self):
        self.config = {}
        self._logger = None

    @property
    def logger(self):
        """Logs to standard output from level DEBUG on."""
        if self._logger is None:
            self._logger = _make_logger()
        return self._logger


def _make_logger():
    logger = logging.getLogger("function")
    if not logger.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter("%(asctime)s - %(levelname)s - %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    return logger


current_app = _App()

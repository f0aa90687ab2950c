"""What a function gets as its argument, when it has one."""

import json

from .request import Request

_PIECE = 64 * 1024


class RequestArgument(Request):
    """A request with what Starlette's has, where that differs from Flask's.

    An asynchronous function awaits `json()`, `body()` and `form()`; one that is not has
    `get_json()`, `get_data()` and `args`, as in Flask.
    """

    @property
    def query_params(self):
        """The query's names and values."""
        return self.args

    @property
    def path_params(self):
        """The variables of the route's path template; their names are lower case."""
        return self.view_args

    async def body(self):
        """The body as bytes."""
        return self.data

    async def json(self):
        """The body parsed as JSON, whatever its type says."""
        return json.loads(self.data)

    async def form(self):
        """The names and values of a form."""
        return Request.form.fget(self)

    async def stream(self):
        """The body piece by piece, of any size."""
        body = self._raw.body.unlimited()
        while piece := body.read(_PIECE):
            yield piece

"""Errors that are answers."""

from http import HTTPStatus


class HTTPException(Exception):
    """Raised by abort; answered with its code and description, or with its response."""

    def __init__(self, code=500, description=None, response=None):
        super().__init__(description)
        self.code = code
        self.description = description or _phrase(code)
        self.response = response

    def __str__(self):
        return f"{self.code} {_phrase(self.code)}: {self.description}"

    @property
    def name(self):
        """The status in words."""
        return _phrase(self.code)


def abort(status, description=None, *_args, **_kwargs):
    """Ends the call with a status, or with a response of the function's."""
    if isinstance(status, int):
        raise HTTPException(status, description)
    raise HTTPException(getattr(status, "status_code", 500), response=status)


def _phrase(code):
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return "Unknown"

"""What a function sees as flask.request."""

import json
from urllib.parse import parse_qsl, quote, unquote

from .context import Proxy, find_request
from .datastructures import Headers, MultiDict
from .errors import HTTPException
from .forms import parse_form


class cached:
    """A property that is computed when it is first asked for."""

    def __init__(self, compute):
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner, name):
        self._name = name

    def __get__(self, obj, owner=None):
        if obj is None:
            return self
        value = obj.__dict__[self._name] = self._compute(obj)
        return value


class Request:
    """One request. Everything derived is computed when it is first asked for."""

    def __init__(self, raw):
        self._raw = raw
        self.method = raw.head.method
        self.remote_addr = raw.peer

    @cached
    def stream(self):
        """The body as a file of any size, read from the connection as the function reads."""
        return self._raw.body.unlimited()

    @cached
    def headers(self):
        """The headers."""
        return Headers(self._raw.head.headers)

    @cached
    def _split(self):
        path, _, query = self._raw.head.target.partition("?")
        return path, query

    @cached
    def path(self):
        """The path, without the query, its escapes decoded."""
        return unquote(self._split[0])

    @cached
    def query_string(self):
        """The query as it came, as bytes."""
        return self._split[1].encode("latin-1")

    @property
    def full_path(self):
        """Path and query."""
        return f"{self.path}?{self._split[1]}"

    @cached
    def args(self):
        """The query's names and values."""
        return MultiDict(parse_qsl(self._split[1], keep_blank_values=True))

    @cached
    def view_args(self):
        """The variables of the route's path template; their names are lower case."""
        prefix = "x-fission-params-"
        fields = self._raw.head.fields
        return {name[len(prefix) :]: value for name, value in fields.items() if name.startswith(prefix)}

    @cached
    def data(self):
        """The body as bytes."""
        return self._raw.body.read_all()

    def get_data(self, cache=True, as_text=False, parse_form_data=False):
        """The body as bytes, or as text."""
        return self.data.decode("utf-8", "replace") if as_text else self.data

    @property
    def json(self):
        """The body parsed as JSON; 415 when its type is another, 400 when it is none."""
        return self.get_json()

    def get_json(self, force=False, silent=False, cache=True):
        """The body parsed as JSON. force ignores its type; silent gives None instead of an error."""
        if not (force or self.is_json):
            if silent:
                return None
            raise HTTPException(415, "the request's Content-Type is not application/json")
        try:
            return json.loads(self.data)
        except ValueError as err:
            if silent:
                return None
            raise HTTPException(400, f"the request's body is not JSON: {err}") from None

    @property
    def is_json(self):
        """Whether the body says that it is JSON."""
        return self.mimetype == "application/json" or self.mimetype.endswith("+json")

    @cached
    def _forms(self):
        return parse_form(self.content_type or "", self.data)

    @property
    def form(self):
        """The names and values of a form, from either of the two types that browsers send."""
        return self._forms[0]

    @property
    def files(self):
        """The files of a multipart form."""
        return self._forms[1]

    @cached
    def values(self):
        """The query's values and the form's."""
        return MultiDict([*self.args.items(multi=True), *self.form.items(multi=True)])

    @cached
    def cookies(self):
        """The cookies."""
        pairs = (part.partition("=") for part in self._raw.head.fields.get("cookie", "").split(";"))
        return MultiDict((name.strip(), value.strip().strip('"')) for name, _, value in pairs if name.strip())

    @property
    def content_type(self):
        """The Content-Type, or None."""
        return self._raw.head.fields.get("content-type")

    @property
    def mimetype(self):
        """The Content-Type without parameters, in lower case."""
        return (self.content_type or "").partition(";")[0].strip().lower()

    @property
    def content_length(self):
        """The Content-Length, or None."""
        return None if "content-length" not in self._raw.head.fields else self._raw.head.length

    @property
    def host(self):
        """The host that the client called, with the port if it is not the usual one."""
        fields = self._raw.head.fields
        return fields.get("x-forwarded-host") or fields.get("host", "")

    @property
    def scheme(self):
        """The scheme that the client used."""
        return self._raw.head.fields.get("x-forwarded-proto", "http")

    @property
    def is_secure(self):
        """Whether the client used TLS."""
        return self.scheme == "https"

    @property
    def host_url(self):
        """Scheme and host."""
        return f"{self.scheme}://{self.host}/"

    url_root = host_url

    @property
    def base_url(self):
        """The URL without the query."""
        return self.host_url + quote(self.path.lstrip("/"), safe="/%:@!$&'()*+,;=~")

    @property
    def url(self):
        """The URL."""
        return f"{self.base_url}?{self._split[1]}" if self._split[1] else self.base_url

    @property
    def access_route(self):
        """The addresses that the request came by."""
        forwarded = self._raw.head.fields.get("x-forwarded-for")
        return [part.strip() for part in forwarded.split(",")] if forwarded else [self.remote_addr]

    @property
    def user_agent(self):
        """The User-Agent, or an empty text."""
        return self._raw.head.fields.get("user-agent", "")

    @cached
    def environ(self):
        """The request as WSGI has it."""
        from ..wsgi import environ_of

        return environ_of(self._raw)

    def __repr__(self):
        return f"<Request {self.url!r} [{self.method}]>"


request = Proxy(find_request)

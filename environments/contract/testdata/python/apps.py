"""Applications of the kinds that have arguments."""

import asyncio
import json


def wsgi(environ, start_response):
    if environ["PATH_INFO"] == "/count":
        body = environ["wsgi.input"]
        count = 0
        while piece := body.read(1 << 16):
            count += len(piece)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [str(count).encode()]
    start_response("201 Created", [("X-Form", "wsgi"), ("Content-Type", "text/plain")])
    return lazily(environ["REQUEST_METHOD"], environ["QUERY_STRING"])


def lazily(*texts):
    for text in texts:
        yield text.encode()


def late(environ, start_response):
    start_response("200 OK", [])
    yield b"late"


started = False


async def asgi(scope, receive, send):
    global started
    if scope["type"] == "lifespan":
        await receive()
        started = True
        await send({"type": "lifespan.startup.complete"})
        await receive()
        print("shut down", flush=True)
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] == "/fails":
        raise RuntimeError("failed in ASGI")
    count = 0
    message = {"more_body": True}
    while message["more_body"]:
        message = await receive()
        count += len(message["body"])
    await send({"type": "http.response.start", "status": 202, "headers": [(b"x-form", b"asgi")]})
    if scope["path"] == "/broken":
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("broken in ASGI")
    for piece in (scope["method"], scope["query_string"].decode(), str(started)):
        await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": f"{piece} ".encode(), "more_body": True})
    await send({"type": "http.response.body", "body": str(count).encode()})


class Application:
    """As frameworks have them: an object that is called."""

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            raise ValueError(scope["type"])
        await receive()
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"an object"})


application = Application()


async def with_request(request):
    return {"sent": await request.json(), "a": request.query_params["a"], "id": request.path_params["id"], "agent": request.headers["user-agent"]}


def with_request_sync(req):
    return f"{req.method} {req.get_data(as_text=True)}", 203


async def counts(request):
    count = 0
    async for piece in request.stream():
        count += len(piece)
    return str(count)


def three(a, b, c):
    return "never"


def optional(name="world", *rest, **more):
    return json.dumps(name)

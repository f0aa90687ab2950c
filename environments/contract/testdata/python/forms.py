"""One function for each form that a function may have."""

import asyncio
import signal

from flask import Response, abort, current_app, g, jsonify, make_response, redirect, request


def text():
    return "just text"


def octets():
    return b"\x00\xff"


def mapping():
    return {"just": "a dict"}


def sequence():
    return [1, "two"]


def with_status():
    return "with status", 201


def with_headers():
    return "with headers", {"X-Form": "headers"}


def with_all():
    return "with all", 202, {"X-Form": "all"}


def response():
    return Response("a response", status=203, headers={"X-Form": "response"}, mimetype="text/plain")


def made():
    answer = make_response("made", 200)
    answer.headers["X-Form"] = "made"
    return answer


def json():
    return jsonify(a=1, b=[2])


def generator():
    yield "a"
    yield "b"


def redirects():
    return redirect("/elsewhere", code=303)


def aborts():
    abort(404, "not here")


def body():
    return {"json": request.get_json(silent=True), "form": request.form.to_dict(), "text": request.get_data(as_text=True)}


def strict_json():
    return {"got": request.json}


def upload():
    file = request.files["file"]
    return f"{file.filename} {file.read().decode()} {request.form['name']}"


def about():
    return {
        "url": request.url,
        "path": request.path,
        "list": request.args.getlist("a"),
        "number": request.args.get("n", type=int, default=-1),
        "cookie": request.cookies.get("c"),
        "agent": str(request.user_agent),
        "header": request.headers.get("x-one"),
        "json": request.is_json,
    }


def logs():
    current_app.logger.info("a logged line")
    return "logged"


def keeps():
    g.seen = getattr(g, "seen", 0) + 1
    return str(g.seen)


def bad_header():
    return "x", 200, {"X-A": "a\r\nX-B: b"}


def wrong_type():
    return object()


def wrong_length():
    return "right", 200, {"Content-Length": "99"}


async def asynchronous():
    await asyncio.sleep(0)
    return f"asynchronous {request.path}"


def refused():
    raise ConnectionRefusedError("the database is not there")


def reads_nothing():
    return "read nothing"


def streamed():
    size = 0
    while True:
        piece = request.stream.read(10000)
        if not piece:
            return str(size)
        size += len(piece)


def dispatch():
    """One process serves them all: the query names the form."""
    return globals()[request.args["form"]]()


signal.signal(signal.SIGUSR1, lambda *_: None)  # Works on the main thread only.

"""The Python runtime of Hotpod.

A process begins generic. One specialize call loads a function from a file or a
folder, and from then on every request is that function's.

    settings    what the environment says
    process     the main thread: loads code, waits for signals, ends in order
    server      connections, one thread each, and draining
    connection  one connection: requests in, answers out
    http1       HTTP/1.1 heads; parsing and writing
    body        request bodies, read when they are asked for
    app         generic, specialize, call: what a request gets
    loader      from an entry point to a function
    miniflask   what `import flask` gets when Flask is not installed
    kind        which kind of function a callable is
    wsgi        WSGI applications, and the bridge to Flask when it is installed
    asgi        ASGI applications
"""

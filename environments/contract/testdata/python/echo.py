"""Says what the request was, as JSON."""

import base64

from flask import request


def main():
    return {
        "method": request.method,
        "path": request.path,
        "query": request.args.to_dict(),
        "headers": {name.lower(): value for name, value in request.headers.items()},
        "body": base64.b64encode(request.get_data()).decode(),
    }

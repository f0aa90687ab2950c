"""Takes orders: POST /orders/{id}?customer=NAME with a list of items.

It shows what a function can use: the path's parameters, query, headers and body of the request, environment variables, a
ConfigMap and a Secret as files, and code of its own in another file.
"""

import hashlib
import hmac
import os
from pathlib import Path

from flask import request

from pricing import total

CONFIG = Path(os.environ.get("SETTINGS_DIR", "/configs/default/shop"))
SECRETS = Path(os.environ.get("SECRETS_DIR", "/secrets/default/shop"))


def main():
    items = request.get_json().get("items")
    if not items:
        return {"error": "an order needs items"}, 400
    order = request.headers["X-Fission-Params-Id"]
    try:
        price = total(items, float(read(CONFIG / "discount") or 0))
    except KeyError as err:
        return {"error": f"there is no {err.args[0]}"}, 400
    return {
        "order": order,
        "customer": request.args.get("customer"),
        "source": request.headers.get("X-Request-Source"),
        "currency": os.environ.get("CURRENCY", "EUR"),
        "total": price,
        "signature": hmac.new(read(SECRETS / "key").encode(), order.encode(), hashlib.sha256).hexdigest(),
    }, 201


def read(file):
    return file.read_text().strip() if file.exists() else ""

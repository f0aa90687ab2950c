#!/usr/bin/env python3
"""Says what the request was, as JSON."""

import base64
import json
import os
import sys
import urllib.parse

json.dump({
    "method": os.environ["REQUEST_METHOD"],
    "path": os.environ["PATH_INFO"],
    "query": dict(urllib.parse.parse_qsl(os.environ["QUERY_STRING"], keep_blank_values=True)),
    "headers": {n[5:].lower().replace("_", "-"): v for n, v in os.environ.items() if n.startswith("HTTP_")},
    "body": base64.b64encode(sys.stdin.buffer.read()).decode(),
}, sys.stdout)

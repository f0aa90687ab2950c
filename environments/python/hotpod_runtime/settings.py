"""The runtime's settings, read from the environment."""

import re

_UNITS = {"": 1, "b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3}


class Settings:
    """What the environment says; raises ValueError naming a variable that it cannot use."""

    def __init__(self, env):
        default = "0.0.0.0:" + env.get("RUNTIME_PORT", "8888")
        self.host, self.port = _parse_address(env.get("HOTPOD_RUNTIME_ADDRESS") or default)
        self.code_path = env.get("USERFUNCVOL", "/userfunc") + "/user"
        self.body_limit = parse_size("BODY_PARSER_LIMIT", env.get("BODY_PARSER_LIMIT", "64mb"))
        self.show_errors = env.get("HOTPOD_SHOW_ERRORS") != "false"
        self.flask = _one_of("HOTPOD_FLASK", env.get("HOTPOD_FLASK", "builtin"), ("builtin", "installed"))
        self.max_connections = _number("HOTPOD_MAX_CONNECTIONS", env.get("HOTPOD_MAX_CONNECTIONS", "1024"))


def _parse_address(address):
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"HOTPOD_RUNTIME_ADDRESS must be host:port, not {address!r}")
    return host.strip("[]") or "0.0.0.0", int(port)


def parse_size(name, text):
    """Returns the bytes of a number with an optional unit, as in 512kb or 64mb."""
    match = re.fullmatch(r"(\d+)\s*(b|kb|mb|gb)?", text.strip().lower())
    if not match:
        raise ValueError(f"{name} must be a size such as 64mb, not {text!r}")
    return int(match[1]) * _UNITS[match[2] or ""]


def _number(name, text):
    if not text.isdigit() or int(text) == 0:
        raise ValueError(f"{name} must be a positive number, not {text!r}")
    return int(text)


def _one_of(name, value, known):
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, not {value!r}")
    return value

"""Forms, as browsers send them."""

import io
import shutil
from urllib.parse import parse_qsl

from .datastructures import MultiDict


class FileStorage:
    """An uploaded file."""

    def __init__(self, name, filename, content_type, data):
        self.name = name
        self.filename = filename
        self.content_type = content_type
        self.stream = io.BytesIO(data)

    def read(self, *args):
        """Reads from the file."""
        return self.stream.read(*args)

    def save(self, target):
        """Writes the rest of the file to a path or an open file."""
        if hasattr(target, "write"):
            shutil.copyfileobj(self.stream, target)
            return
        with open(target, "wb") as file:
            shutil.copyfileobj(self.stream, file)


def parse_form(content_type, data):
    """Returns the fields and the files of a form as two MultiDicts; empty for other types."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return MultiDict(parse_qsl(data.decode("utf-8", "replace"), keep_blank_values=True)), MultiDict()
    if kind == "multipart/form-data":
        return _parse_multipart(content_type, data)
    return MultiDict(), MultiDict()


def _parse_multipart(content_type, data):
    from email.parser import BytesParser  # Slow to import, and rarely needed.
    from email.policy import HTTP

    head = b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n"
    message = BytesParser(policy=HTTP).parsebytes(head + data)
    fields, files = [], []
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True) or b""
        if part.get_filename() is None:
            fields.append((name, payload.decode(part.get_content_charset() or "utf-8", "replace")))
        else:
            files.append((name, FileStorage(name, part.get_filename(), part.get_content_type(), payload)))
    return MultiDict(fields), MultiDict(files)

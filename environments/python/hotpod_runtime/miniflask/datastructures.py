"""Headers, and names with several values."""


class MultiDict(dict):
    """Names with lists of values; indexing gives the first, as Flask's does."""

    def __init__(self, pairs=()):
        super().__init__()
        for name, value in pairs:
            super().setdefault(name, []).append(value)

    def __getitem__(self, name):
        return super().__getitem__(name)[0]

    def get(self, name, default=None, type=None):
        """The first value, through type when given; the default when there is none or type refuses it."""
        if name not in self:
            return default
        value = self[name]
        if type is None:
            return value
        try:
            return type(value)
        except (ValueError, TypeError):
            return default

    def getlist(self, name):
        """All values of a name."""
        return list(super().get(name, ()))

    def items(self, multi=False):
        """Pairs of a name and its first value, or, with multi, each of its values."""
        for name, values in super().items():
            yield from ((name, value) for value in (values if multi else values[:1]))

    def values(self):
        """The first value of each name."""
        return (values[0] for values in super().values())

    def lists(self):
        """Pairs of a name and all its values."""
        return super().items()

    def to_dict(self, flat=True):
        """A plain dict of first values, or of lists."""
        return dict(self.items()) if flat else {name: list(values) for name, values in super().items()}

    def __repr__(self):
        return f"MultiDict({list(self.items(multi=True))!r})"


class Headers:
    """Headers in their order, found in any case."""

    def __init__(self, pairs=()):
        self._pairs = list(pairs.items() if isinstance(pairs, dict) else pairs)

    def get(self, name, default=None, type=None):
        """A header's first value, through type when given."""
        name = name.lower()
        for key, value in self._pairs:
            if key.lower() == name:
                return value if type is None else type(value)
        return default

    def getlist(self, name):
        """All values of a header."""
        return [value for key, value in self._pairs if key.lower() == name.lower()]

    get_all = getlist

    def add(self, name, value):
        """Adds a value to those that the header has."""
        self._pairs.append((name, str(value)))

    def set(self, name, value):
        """Replaces all values of a header."""
        self.remove(name)
        self._pairs.append((name, str(value)))

    def remove(self, name):
        """Removes all values of a header."""
        self._pairs = [pair for pair in self._pairs if pair[0].lower() != name.lower()]

    def extend(self, pairs):
        """Adds several headers, from a mapping or pairs."""
        for name, value in pairs.items() if hasattr(pairs, "items") else pairs:
            self.add(name, value)

    def setdefault(self, name, value):
        """Sets a header unless it is there."""
        if name not in self:
            self.add(name, value)
        return self.get(name)

    def items(self):
        """The pairs of name and value."""
        return list(self._pairs)

    def keys(self):
        """The names."""
        return [name for name, _ in self._pairs]

    def values(self):
        """The values."""
        return [value for _, value in self._pairs]

    def __getitem__(self, name):
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    __setitem__ = set
    __delitem__ = remove

    def __contains__(self, name):
        return self.get(name) is not None

    def __iter__(self):
        return iter(self._pairs)

    def __len__(self):
        return len(self._pairs)

    def __str__(self):
        return "".join(f"{name}: {value}\r\n" for name, value in self._pairs) + "\r\n"

    def __repr__(self):
        return f"Headers({self._pairs!r})"

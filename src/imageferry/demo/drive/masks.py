"""Partial responses: the grammar of the `fields` parameter."""

import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

# The requested names, each with a mask for what is below it; EVERYTHING ends a branch.
Mask: TypeAlias = Mapping[str, "Mask"]
# The allowed names, in the same form; below EVERYTHING any name is accepted.
Schema: TypeAlias = Mapping[str, "Schema"]

EVERYTHING: Mask = {}

_TOKEN = re.compile(r"\s*([A-Za-z][\w-]*|[*,/()])\s*")


class MaskError(ValueError):
    """The mask is invalid or contains an unknown name; the argument is the invalid part."""


def parse(text: str, *, schema: Schema) -> Mask:
    """Parse a mask such as `a,b/c,d(e,f/g),*` and check it against a schema. Raises MaskError."""
    tokens = _Tokens(text)
    mask = _selection(tokens)
    if tokens.peek():
        raise MaskError(tokens.peek())
    _check(mask, schema)
    return mask


def includes(mask: Mask, name: str) -> bool:
    """Return True when a mask includes a name."""
    return not mask or name in mask or "*" in mask


def below(mask: Mask, name: str) -> Mask:
    """Return the mask for what is below a name that is included."""
    return mask.get(name) or mask.get("*") or EVERYTHING


def project(value: object, mask: Mask) -> object:
    """Return the masked part of a JSON value. A list is masked entry by entry."""
    if not mask:
        return value
    if isinstance(value, list):
        return [project(entry, mask) for entry in value]
    if isinstance(value, Mapping):
        return {name: project(part, below(mask, name)) for name, part in value.items() if includes(mask, name)}
    return value


class _Tokens:
    """The tokens of a mask, in order."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokenise(text))
        self._next = 0

    def peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self._next += 1
        return token


def _tokenise(text: str) -> Iterator[str]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise MaskError(text[position:])
        yield match[1]
        position = match.end()


def _selection(tokens: _Tokens) -> Mask:
    mask: dict[str, Mask] = {}
    while True:
        name, inner = _path(tokens)
        mask[name] = _merge(mask[name], inner) if name in mask else inner
        if tokens.peek() != ",":
            return mask
        tokens.take()


def _path(tokens: _Tokens) -> tuple[str, Mask]:
    name = tokens.take()
    if not name or name in ",/()":
        raise MaskError(name)
    if tokens.peek() == "/":
        tokens.take()
        below_name, inner = _path(tokens)
        return name, {below_name: inner}
    if tokens.peek() == "(":
        tokens.take()
        inner = _selection(tokens)
        if tokens.take() != ")":
            raise MaskError(name)
        return name, inner
    return name, EVERYTHING


def _merge(one: Mask, other: Mask) -> Mask:
    if not one or not other:
        return EVERYTHING
    shared = {name: _merge(one[name], other[name]) for name in one.keys() & other.keys()}
    return {**one, **other, **shared}


def _check(mask: Mask, schema: Schema) -> None:
    for name, inner in mask.items():
        if schema and name != "*" and name not in schema:
            raise MaskError(name)
        _check(inner, schema.get(name, EVERYTHING))

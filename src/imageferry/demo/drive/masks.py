"""Partial responses: the grammar of the `fields` parameter."""

import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

# What is asked for, name by name, with what is asked for below it; EVERYTHING ends a branch.
Mask: TypeAlias = Mapping[str, "Mask"]
# What may be asked for, in the same shape; below EVERYTHING any name is accepted.
Schema: TypeAlias = Mapping[str, "Schema"]

EVERYTHING: Mask = {}

_TOKEN = re.compile(r"\s*([A-Za-z][\w-]*|[*,/()])\s*")


class MaskError(ValueError):
    """The mask cannot be read, or asks for what there is not; the argument is what is wrong with it."""


def parse(text: str, *, schema: Schema) -> Mask:
    """Reads `a,b/c,d(e,f/g),*` and holds it against a schema. Raises MaskError."""
    tokens = _Tokens(text)
    mask = _selection(tokens)
    if tokens.peek():
        raise MaskError(tokens.peek())
    _check(mask, schema)
    return mask


def wants(mask: Mask, name: str) -> bool:
    """Whether a mask asks for a name."""
    return not mask or name in mask or "*" in mask


def below(mask: Mask, name: str) -> Mask:
    """What a mask that wants a name asks for below it."""
    return mask.get(name) or mask.get("*") or EVERYTHING


def project(value: object, mask: Mask) -> object:
    """What is left of a JSON value; a list is projected entry by entry."""
    if not mask:
        return value
    if isinstance(value, list):
        return [project(entry, mask) for entry in value]
    if isinstance(value, Mapping):
        return {name: project(part, below(mask, name)) for name, part in value.items() if wants(mask, name)}
    return value


class _Tokens:
    """The words and signs of a mask, in turn."""

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
        found = _TOKEN.match(text, position)
        if found is None:
            raise MaskError(text[position:])
        yield found[1]
        position = found.end()


def _selection(tokens: _Tokens) -> Mask:
    mask: dict[str, Mask] = {}
    while True:
        name, inner = _path(tokens)
        mask[name] = _united(mask[name], inner) if name in mask else inner
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


def _united(one: Mask, other: Mask) -> Mask:
    if not one or not other:
        return EVERYTHING
    shared = {name: _united(one[name], other[name]) for name in one.keys() & other.keys()}
    return {**one, **other, **shared}


def _check(mask: Mask, schema: Schema) -> None:
    for name, inner in mask.items():
        if schema and name != "*" and name not in schema:
            raise MaskError(name)
        _check(inner, schema.get(name, EVERYTHING))

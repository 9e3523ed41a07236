"""Search queries: the part of the `q` parameter's grammar for folders, names, types, times and flags."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TypeAlias

from msgspec import Struct

from imageferry.demo.entries import Node

Predicate: TypeAlias = Callable[[Node], bool]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<operator><=|>=|!=|[=<>()])
      | (?P<word>[A-Za-z]\w*)
    )\s*""",
    re.VERBOSE | re.DOTALL,
)
_DEPTH_MAX = 50


class QueryError(ValueError):
    """The query is invalid."""


class Query(Struct, frozen=True, kw_only=True):
    """A parsed query."""

    matches: Predicate
    parents: tuple[str, ...] | None  # only nodes in one of these folders can match; None: any folder


def parse(text: str, *, root_id: str = "root") -> Query:
    """Parse a query. An empty one matches everything; `root_id` replaces the alias `root`. Raises QueryError."""
    tokens = _Tokens(text, aliases={"root": root_id})
    if not tokens.peek():
        return Query(matches=lambda _: True, parents=None)
    query = _or_expression(tokens, depth=0)
    if tokens.peek():
        raise QueryError(tokens.peek())
    return query


class _Tokens:
    """The tokens of a query, in order."""

    def __init__(self, text: str, *, aliases: Mapping[str, str]) -> None:
        self.aliases = aliases  # of folder IDs
        self._tokens = list(_tokenise(text))
        self._next = 0

    def peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self._next += 1
        return token

    def take_text(self) -> str:
        token = self.take()
        if token[:1] not in {"'", '"'}:
            raise QueryError(token)
        return re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL)


def _tokenise(text: str) -> Iterator[str]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise QueryError(text[position:])
        yield match["text"] or match["operator"] or match["word"]
        position = match.end()


def _or_expression(tokens: _Tokens, *, depth: int) -> Query:
    parts = [_and_expression(tokens, depth=depth)]
    while tokens.peek() == "or":
        tokens.take()
        parts.append(_and_expression(tokens, depth=depth))
    if len(parts) == 1:
        return parts[0]
    parents = [part.parents for part in parts]
    return Query(
        matches=lambda node: any(part.matches(node) for part in parts),
        parents=None if None in parents else tuple(dict.fromkeys(i for ids in parents for i in ids or ())),
    )


def _and_expression(tokens: _Tokens, *, depth: int) -> Query:
    parts = [_term(tokens, depth=depth)]
    while tokens.peek() == "and":
        tokens.take()
        parts.append(_term(tokens, depth=depth))
    if len(parts) == 1:
        return parts[0]
    return Query(
        matches=lambda node: all(part.matches(node) for part in parts),
        parents=next((part.parents for part in parts if part.parents is not None), None),
    )


def _term(tokens: _Tokens, *, depth: int) -> Query:
    if depth > _DEPTH_MAX:
        raise QueryError("too deep")
    if tokens.peek() == "not":
        tokens.take()
        negated = _term(tokens, depth=depth + 1)
        return Query(matches=lambda node: not negated.matches(node), parents=None)
    if tokens.peek() == "(":
        tokens.take()
        query = _or_expression(tokens, depth=depth + 1)
        if tokens.take() != ")":
            raise QueryError("unbalanced")
        return query
    if tokens.peek()[:1] in {"'", '"'}:
        return _membership(tokens)
    return Query(matches=_comparison(tokens), parents=None)


def _membership(tokens: _Tokens) -> Query:
    value = tokens.take_text()
    if tokens.take() != "in":
        raise QueryError(value)
    collection = tokens.take()
    if collection == "parents":
        folder_id = tokens.aliases.get(value, value)
        return Query(matches=lambda node: folder_id in node.parents, parents=(folder_id,))
    if collection in {"owners", "writers", "readers"}:
        return Query(matches=lambda _: True, parents=None)
    raise QueryError(collection)


def _comparison(tokens: _Tokens) -> Predicate:
    name, operator = tokens.take(), tokens.take()
    if name in _FLAGS:
        read, expected = _FLAGS[name], tokens.take() == "true"
        if operator not in {"=", "!="}:
            raise QueryError(operator)
        return lambda node: (read(node) == expected) == (operator == "=")
    if name in _TEXTS and (name, operator) in _TEXT_OPERATORS:
        read_text, test, text = _TEXTS[name], _TEXT_OPERATORS[name, operator], tokens.take_text()
        return lambda node: test(read_text(node), text)
    if name in _TIMES and operator in _TIME_OPERATORS:
        read_time, compare, time = _TIMES[name], _TIME_OPERATORS[operator], _parse_time(tokens.take_text())
        return lambda node: compare(read_time(node), time)
    raise QueryError(f"{name} {operator}")


def _parse_time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise QueryError(text) from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _has_word_prefix(name: str, prefix: str) -> bool:
    """Return True when a word of the name has this prefix: Drive's `name contains` finds only those."""
    return any(word.startswith(prefix.lower()) for word in [name.lower(), *re.split(r"\W+", name.lower())])


_FLAGS: dict[str, Predicate] = {
    "trashed": lambda node: node.trashed,
    "starred": lambda _: False,
    "sharedWithMe": lambda node: not node.parents,
}
_TEXTS: dict[str, Callable[[Node], str]] = {
    "name": lambda node: node.name,
    "mimeType": lambda node: node.mime_type,
}
_TEXT_OPERATORS: dict[tuple[str, str], Callable[[str, str], bool]] = {
    ("name", "="): lambda name, text: name == text,
    ("name", "!="): lambda name, text: name != text,
    ("name", "contains"): _has_word_prefix,
    ("mimeType", "="): lambda mime_type, text: mime_type == text,
    ("mimeType", "!="): lambda mime_type, text: mime_type != text,
    ("mimeType", "contains"): lambda mime_type, text: mime_type.startswith(text),
}
_TIMES: dict[str, Callable[[Node], datetime]] = {
    "modifiedTime": lambda node: node.modified_at,
    "createdTime": lambda node: node.created_at,
}
_TIME_OPERATORS: dict[str, Callable[[datetime, datetime], bool]] = {
    "=": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}

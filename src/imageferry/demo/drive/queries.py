"""Searches: the grammar of the `q` parameter, as far as folders' listings and names go."""

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
      | (?P<sign><=|>=|!=|[=<>()])
      | (?P<word>[A-Za-z]\w*)
    )\s*""",
    re.VERBOSE | re.DOTALL,
)
_DEPTH_MAX = 50


class QueryError(ValueError):
    """The query cannot be read."""


class Query(Struct, frozen=True, kw_only=True):
    """A search that was understood."""

    matches: Predicate
    parents: tuple[str, ...] | None  # only nodes in one of these folders can match; None: not told


def parse(text: str, *, root_id: str = "root") -> Query:
    """Raises QueryError. No text at all matches everything; `root_id` is what the alias `root` stands for."""
    tokens = _Tokens(text, aliases={"root": root_id})
    if not tokens.peek():
        return Query(matches=lambda _: True, parents=None)
    query = _either(tokens, depth=0)
    if tokens.peek():
        raise QueryError(tokens.peek())
    return query


class _Tokens:
    """The texts, signs and words of a query, in turn."""

    def __init__(self, text: str, *, aliases: Mapping[str, str]) -> None:
        self.aliases = aliases  # of ids
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
        found = _TOKEN.match(text, position)
        if found is None:
            raise QueryError(text[position:])
        yield found["text"] or found["sign"] or found["word"]
        position = found.end()


def _either(tokens: _Tokens, *, depth: int) -> Query:
    parts = [_both(tokens, depth=depth)]
    while tokens.peek() == "or":
        tokens.take()
        parts.append(_both(tokens, depth=depth))
    if len(parts) == 1:
        return parts[0]
    told = [part.parents for part in parts]
    return Query(
        matches=lambda node: any(part.matches(node) for part in parts),
        parents=None if None in told else tuple(dict.fromkeys(i for ids in told for i in ids or ())),
    )


def _both(tokens: _Tokens, *, depth: int) -> Query:
    parts = [_one(tokens, depth=depth)]
    while tokens.peek() == "and":
        tokens.take()
        parts.append(_one(tokens, depth=depth))
    if len(parts) == 1:
        return parts[0]
    return Query(
        matches=lambda node: all(part.matches(node) for part in parts),
        parents=next((part.parents for part in parts if part.parents is not None), None),
    )


def _one(tokens: _Tokens, *, depth: int) -> Query:
    if depth > _DEPTH_MAX:
        raise QueryError("too deep")
    if tokens.peek() == "not":
        tokens.take()
        denied = _one(tokens, depth=depth + 1)
        return Query(matches=lambda node: not denied.matches(node), parents=None)
    if tokens.peek() == "(":
        tokens.take()
        query = _either(tokens, depth=depth + 1)
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
    name, sign = tokens.take(), tokens.take()
    if name in _FLAGS:
        read, wanted = _FLAGS[name], tokens.take() == "true"
        if sign not in {"=", "!="}:
            raise QueryError(sign)
        return lambda node: (read(node) == wanted) == (sign == "=")
    if name in _TEXTS and (name, sign) in _TEXT_SIGNS:
        read_text, test, text = _TEXTS[name], _TEXT_SIGNS[name, sign], tokens.take_text()
        return lambda node: test(read_text(node), text)
    if name in _TIMES and sign in _TIME_SIGNS:
        read_time, precedes, moment = _TIMES[name], _TIME_SIGNS[sign], _moment(tokens.take_text())
        return lambda node: precedes(read_time(node), moment)
    raise QueryError(f"{name} {sign}")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise QueryError(text) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _word_starts(name: str, prefix: str) -> bool:
    """Drive's `name contains` finds beginnings of words only."""
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
_TEXT_SIGNS: dict[tuple[str, str], Callable[[str, str], bool]] = {
    ("name", "="): lambda name, text: name == text,
    ("name", "!="): lambda name, text: name != text,
    ("name", "contains"): _word_starts,
    ("mimeType", "="): lambda mime_type, text: mime_type == text,
    ("mimeType", "!="): lambda mime_type, text: mime_type != text,
    ("mimeType", "contains"): lambda mime_type, text: mime_type.startswith(text),
}
_TIMES: dict[str, Callable[[Node], datetime]] = {
    "modifiedTime": lambda node: node.modified_at,
    "createdTime": lambda node: node.created_at,
}
_TIME_SIGNS: dict[str, Callable[[datetime, datetime], bool]] = {
    "=": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}

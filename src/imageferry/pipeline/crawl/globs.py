"""Globs over paths: linear in the length of the path by construction, and bounded in number and length."""

import re
from collections.abc import Sequence
from fnmatch import translate
from functools import lru_cache

import bracex

# Of all globs of an import together, with their braces expanded.
ALTERNATIVES_MAX = 1_000
CHARACTERS_MAX = 20_000
BRACES_MAX = 200  # expanding takes time in the square of a glob's braces: up to a quarter of a second for these

# One for each folder or file name of a path. None is `**`: any number of folders.
_Segments = tuple[re.Pattern[str] | None, ...]


def check_globs(globs: Sequence[str]) -> None:
    """Raise ValueError, with a sentence, when an import can't use these globs together. Not for the event loop."""
    if sum(glob.count("{") for glob in globs) > BRACES_MAX:
        raise ValueError(
            f"The patterns have more than {BRACES_MAX} braces. Write fewer of them, or start several imports."
        )
    alternatives = characters = 0
    for glob in globs:
        try:
            expanded = bracex.expand(glob, keep_escapes=True, limit=ALTERNATIVES_MAX)
        except bracex.ExpansionLimitException:
            alternatives = ALTERNATIVES_MAX + 1
        except RecursionError:
            raise ValueError(f"The pattern {glob[:80]!r} can't be used: its braces are nested too deeply.") from None
        else:
            alternatives += len(expanded)
            characters += sum(map(len, expanded))
        if alternatives > ALTERNATIVES_MAX or characters > CHARACTERS_MAX:
            raise ValueError(
                f"The patterns are too many: with their braces expanded, up to {ALTERNATIVES_MAX:,} are possible, and "
                f"{CHARACTERS_MAX:,} characters in all. The limit is exceeded at {glob[:80]!r}."
            )


def matches_any(path: str, globs: Sequence[str]) -> bool:
    """Return True if a path, with `/` between its folders, matches one of the globs, whatever its case.

    As in rclone and git, a glob without a slash matches at any depth. Hidden files match like others.
    """
    names = [name for name in path.split("/") if name]
    return any(_matches(names, segments) for segments in _compile(tuple(globs)))


@lru_cache(maxsize=16)  # a thousand alternatives take a tenth of a second
def _compile(globs: tuple[str, ...]) -> tuple[_Segments, ...]:
    return tuple(
        _segments(alternative)
        for glob in globs
        for alternative in bracex.expand(glob, keep_escapes=True, limit=ALTERNATIVES_MAX)
    )


def _segments(glob: str) -> _Segments:
    if "/" not in glob:
        glob = f"**/{glob}"
    if glob.endswith(("/", "/**")):  # everything in the folder, but not a file of its name
        glob = f"{glob}/**/*"
    return tuple(
        # Python's own translation of * and ? never backtracks over a * that has found what follows it.
        None if name == "**" else re.compile(translate(_without_escapes(name)), re.IGNORECASE)
        for name in glob.split("/")
        if name
    )


def _without_escapes(name: str) -> str:
    r"""Return `\*` as `[*]`, for fnmatch."""
    return re.sub(r"\\(.)", lambda escape: f"[{escape[1]}]" if escape[1] in "*?[" else escape[1], name)


def _matches(names: Sequence[str], segments: _Segments) -> bool:
    """Return True if the segments match all names. Only the latest `**` is ever extended: the time is bounded."""
    at = segment = 0
    retry: tuple[int, int] | None = None  # the segment after the latest `**`, and the name where it is tried next
    while at < len(names):
        if segment < len(segments) and (pattern := segments[segment]) is None:
            segment += 1
            retry = segment, at
        elif segment < len(segments) and pattern is not None and pattern.match(names[at]):
            at += 1
            segment += 1
        elif retry is not None:
            segment, at = retry[0], retry[1] + 1
            retry = segment, at
        else:
            return False
    return all(pattern is None for pattern in segments[segment:])

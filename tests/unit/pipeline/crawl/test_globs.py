"""Globs over paths."""

from contextlib import suppress

import pytest

from imageferry.pipeline.crawl.globs import ALTERNATIVES_MAX, BRACES_MAX, check_globs, matches_any


@pytest.mark.parametrize(
    ("glob", "matching", "others"),
    [
        ("*.jpg", ["a.jpg", "x/y/A.JPG", ".jpg"], ["a.jpg/b", "a.jpgx"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "x/a/b"]),
        ("a/", ["a/b", "a/b/c"], ["a", "x/a/b"]),
        ("/a*", ["ab"], ["x/ab"]),
        ("**/b", ["b", "a/b", "a/c/b"], ["a/b/c"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/b/y/b"], ["a/x", "b"]),
        ("**/a/**/b", ["a/b", "x/a/y/b", "a/a/b/b"], ["b/a", "a"]),
        ("a/*/b", ["a/x/b"], ["a/b", "a/x/y/b"]),
        ("**", ["a", "a/b"], [""]),
        ("{a,b}{1..3}.*", ["a1.x", "b3.jpg"], ["a4.x", "c1.x"]),
        ("[!a-c]?", ["xy"], ["ay", "xyz"]),
        (r"\*\{a,b}", ["*{a,b}"], ["xa"]),
        ("[", ["["], ["a"]),
        ("ÄÖ*", ["äöü"], ["ao"]),
    ],
)
def test_a_glob_matches(glob: str, matching: list[str], others: list[str]) -> None:
    assert [path for path in matching + others if matches_any(path, [glob])] == matching


@pytest.mark.parametrize(
    "globs",
    [
        ["{1..100000000}"],
        ["{a,b}" * 10],
        ["{1..600}", "x{1..600}"],
        ["*"] * (ALTERNATIVES_MAX + 1),
        ["x" * 500] * 41,
        ["{" * 201],
        ["{a,b}", "{" * 200],
        [f"{'{a,' * 160}{'}' * 160}{{1..900}}"],
    ],
)
def test_too_many_alternatives_of_all_globs_together_are_refused(globs: list[str]) -> None:
    with pytest.raises(ValueError, match=r"^The pattern"):
        check_globs(globs)


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("*a" * 240 + "b", "a" * 20_000),
        ("**/a/" * 100 + "b", "a/" * 10_000),
        ("**/*a*a*a/" * 20 + "b", "aaaa/" * 2_000),
        ("?*" * 240 + "b", "a" * 20_000),
        ("[ab]*" * 99 + "c", "ab" * 10_000),
    ],
)
def test_no_glob_hangs_on_a_long_path(glob: str, path: str) -> None:  # a backtracking matcher takes centuries
    check_globs([glob])
    assert not matches_any(path, [glob])


@pytest.mark.parametrize("part", ["{", "{a,", "{{,", "{1..", "{{}}", "{,}{", "{a,b}}", r"{\{,"])
def test_no_braces_hang(part: str) -> None:
    with suppress(ValueError):
        check_globs([part * (BRACES_MAX // part.count("{"))])

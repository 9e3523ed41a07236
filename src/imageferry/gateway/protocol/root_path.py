"""Request paths as the routes know them, without the prefix of a reverse proxy."""

from starlette.types import Scope


def path_below_root(scope: Scope) -> str:
    """Return a request's path without the root path at which a proxy serves the gateway."""
    path: str = scope["path"]
    root = scope.get("root_path", "")
    return path[len(root) :] if root and path.startswith(f"{root}/") else path

"""Paths as the routes know them, wherever a proxy shows the gateway."""

from starlette.types import Scope


def own_path(scope: Scope) -> str:
    """A request's path, below the one that a proxy serves us at."""
    path: str = scope["path"]
    root = scope.get("root_path", "")
    return path[len(root) :] if root and path.startswith(f"{root}/") else path

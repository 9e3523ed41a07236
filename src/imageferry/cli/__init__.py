"""The command line."""

import os

from imageferry.runtime import pause_gc, skip_final_gc

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    # pydantic would search all installed packages for plug-ins, which takes as long as importing pydantic.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    pause_gc()
    from imageferry.cli.app import main as run_app  # noqa: PLC0415 - only with garbage collection off

    try:
        run_app()
    finally:
        skip_final_gc()

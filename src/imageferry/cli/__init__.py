"""The command line."""

import gc
import os

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    # To look for plug-ins of pydantic among all that is installed takes as long as to import it.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.disable()  # until a command runs: while imports make objects that stay, an eighth goes into looking at them
    from imageferry.cli.app import main as run_command  # noqa: PLC0415 - not before

    try:
        run_command()
    finally:
        gc.freeze()  # at its end Python looks for garbage among all there is, and the system frees that at once

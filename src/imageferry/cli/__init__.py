"""The command line."""

import gc

__all__ = ["main"]

# So many new objects before Python looks for garbage among them.
GARBAGE_OBJECTS_MIN = 20_000


def main() -> None:
    """Run the command line."""
    # What is imported stays for good, and a transfer makes little garbage in cycles: to look for it after every 700
    # new objects, as Python does, took an eighth of the start and a twelfth of a transfer's time.
    gc.disable()
    from imageferry.cli.app import main as run_command  # noqa: PLC0415 - not before

    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS_MIN, 20, 100)
    gc.enable()
    run_command()

"""The partial files of a store in a folder."""

from pathlib import Path


def remove_staged_files(path: Path) -> None:
    """Delete what killed processes left while they wrote this file."""
    # obstore writes a local object to `<name>#<number>` and renames it when it is complete.
    if path.parent.is_dir():
        for staged in path.parent.iterdir():
            name, _, number = staged.name.rpartition("#")
            if name == path.name and number.isdigit():
                staged.unlink(missing_ok=True)

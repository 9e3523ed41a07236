"""Names of images in a ZIP archive."""

from pathlib import PurePosixPath

from imageferry.stores.keys import safe_name

MISSING_NAME = "missing images.txt"


class ArchiveNames:
    """Gives each image of an archive a path that is safe on any system. The paths differ in more than case."""

    def __init__(self) -> None:
        self._used = {MISSING_NAME}
        self._copies = dict[str, int]()  # by the path that was taken: the number of its last copy

    def add(self, name: str, *, folder: str) -> str:
        """Return the path of the next image, in its folder, with a number if its name is taken."""
        folders = [safe_name(each) for each in folder.split("/") if each]
        path = PurePosixPath(*folders, safe_name(name))
        candidate, key = path, str(path).casefold()
        while str(candidate).casefold() in self._used:
            self._copies[key] = number = self._copies.get(key, 1) + 1
            candidate = path.with_name(f"{path.stem} ({number}){path.suffix}")
        self._used.add(str(candidate).casefold())
        return str(candidate)

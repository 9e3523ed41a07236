"""The folder for the default catalog and store, which nobody else may read."""

import os
import sys
from pathlib import Path
from stat import S_IRWXO

from imageferry.errors import FatalError, Reason
from imageferry.log import log


def create_home(home: Path) -> None:
    """Create the folder for its owner alone; warn of an existing one that every user of this machine can open.

    Raises FatalError, with one sentence, when it can't be created.
    """
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        home.mkdir(mode=0o700, exist_ok=True)
    except OSError as exc:
        message = f"The folder {home} can't be created ({exc.strerror}). Set IMAGEFERRY_HOME to another folder."
        raise FatalError(Reason.MISCONFIGURED, message) from exc
    if sys.platform == "win32":
        return
    status = home.stat()
    # Not changed: it may be a folder that other programs need. Who doesn't own it can't change it.
    if status.st_mode & S_IRWXO and status.st_uid == os.geteuid():
        log.warning("home.open_to_all", detail=f"Every user of this machine can open it: chmod 700 '{home}'")

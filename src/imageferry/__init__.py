"""Copies the images of a Google Drive folder into an object store, verifies them, and records them in a SQL catalog.

The names in `__all__` are the public Python API; every other module is internal. They are imported on first use, so
that `import imageferry` stays cheap.
"""

from imageferry.version import __version__

TYPE_CHECKING = False  # type checkers take it for True; importing `typing` would take longer than all the rest
if TYPE_CHECKING:
    from imageferry.application.public_api import import_folder
    from imageferry.application.results import ImportResult
    from imageferry.errors import (
        BlockedError,
        FatalError,
        ImageferryError,
        NotFoundError,
        PermanentError,
        TransientError,
        UsageError,
    )
    from imageferry.model import Job, JobOptions, JobState, OnChange
    from imageferry.reasons import Reason
    from imageferry.settings import Settings

__all__ = [
    "BlockedError",
    "FatalError",
    "ImageferryError",
    "ImportResult",
    "Job",
    "JobOptions",
    "JobState",
    "NotFoundError",
    "OnChange",
    "PermanentError",
    "Reason",
    "Settings",
    "TransientError",
    "UsageError",
    "__version__",
    "import_folder",
]

_MODULES = {
    "BlockedError": "imageferry.errors",
    "FatalError": "imageferry.errors",
    "ImageferryError": "imageferry.errors",
    "ImportResult": "imageferry.application.results",
    "Job": "imageferry.model",
    "JobOptions": "imageferry.model",
    "JobState": "imageferry.model",
    "NotFoundError": "imageferry.errors",
    "OnChange": "imageferry.model",
    "PermanentError": "imageferry.errors",
    "Reason": "imageferry.reasons",
    "Settings": "imageferry.settings",
    "TransientError": "imageferry.errors",
    "UsageError": "imageferry.errors",
    "import_folder": "imageferry.application.public_api",
}


def __getattr__(name: str) -> object:
    """Import a public name on first use (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - only when a name is used

    value: object = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

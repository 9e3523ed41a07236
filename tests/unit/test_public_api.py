"""The public names of the package, and what importing it costs."""

import subprocess
import sys

import pytest

import imageferry

PUBLIC_NAMES = [
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


def test_the_public_names_change_only_on_purpose() -> None:
    assert imageferry.__all__ == PUBLIC_NAMES


@pytest.mark.parametrize("name", PUBLIC_NAMES)
def test_every_public_name_resolves_and_is_documented(name: str) -> None:
    value = getattr(imageferry, name)
    assert name in dir(imageferry)
    assert value.__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'imageferry' has no attribute 'unknown'"):
        imageferry.unknown  # noqa: B018 - the access is the test


def test_importing_the_package_imports_nothing_else() -> None:
    program = (
        "import sys; before = set(sys.modules); import imageferry;"
        "sys.exit(' '.join(sorted(sys.modules.keys() - before - {'imageferry', 'imageferry.version'})))"
    )
    process = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert process.stderr.strip() == ""

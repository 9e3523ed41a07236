"""Secrets in files, as Docker, Kubernetes and systemd hand them over: NAME_FILE instead of NAME."""

from pathlib import Path

from imageferry.settings.characters import check_text, stripped

_BYTES_MAX = 64 * 1024


def read_secret_file(path: str) -> str:
    """Return the stripped text of a file. Raise ValueError, which says what is wrong, if it is no short text file.

    The error does not quote the path: it may be the secret itself, in the wrong variable.
    """
    check_text(path)
    file = Path(path)
    try:
        if not file.is_file():  # reading a pipe would block
            raise ValueError("it must name a file" if file.exists() else "the file that it names does not exist")
        with file.open("rb") as stream:
            content = stream.read(_BYTES_MAX + 1)
        secret = stripped(content.decode("utf-8-sig"))
    except OSError as exc:
        raise ValueError(f"the file that it names can't be read ({exc.strerror})") from exc
    except UnicodeDecodeError as exc:
        raise ValueError("the file that it names is not a text file in UTF-8") from exc
    if len(content) > _BYTES_MAX:
        raise ValueError(f"the file that it names has more than {_BYTES_MAX // 1024} KiB, too much for a secret")
    if not secret:
        raise ValueError("the file that it names is empty")
    return secret

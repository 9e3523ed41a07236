"""A worker process that decodes untrusted images: limited, without secrets, and replaceable when it crashes."""

import codecs
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import pi_heif
from PIL import Image

from imageferry.runtime import forbid_inspection
from imageferry.subprocess_protocol.parent_connection import ParentConnection
from imageferry.subprocess_protocol.parent_death import end_with_parent
from imageferry.thumbnails.protocol import RenderedThumbnail, RenderRequest, RenderResult, UnreadableError
from imageferry.thumbnails.render import render
from imageferry.thumbnails.system_call_filter import restrict_system_calls

NICENESS = 5
# Loaded before no file can be opened any more: metadata may be in any of these.
_ENCODINGS = ("ascii", "latin-1", "utf-16", "utf-16-be", "utf-16-le", "utf-32", "cp1252", "shift_jis")


def main(*, render: Callable[[bytes, RenderRequest], RenderedThumbnail] = render) -> None:
    """Carry out render requests until the parent closes the connection.

    Runs as `python -m imageferry.thumbnails.worker MEMORY_BYTES CPU_S FILE_BYTES`: the limits of its address space, of
    the CPU time of each image, and of each file. The first frame that it sends says why system calls are not
    restricted; it is empty when they are.
    """
    memory_bytes_max, cpu_s_max, file_bytes_max = map(int, sys.argv[1:4])
    end_with_parent()
    _close_inherited_files()
    connection = ParentConnection()
    _discard_output()
    pi_heif.options.DECODE_THREADS = 1
    Image.init()
    _limit_process(memory_bytes_max)
    connection.send(_restrict())  # ready: a failure from here on is the image's fault
    while body := connection.receive():
        request = msgspec.msgpack.decode(body, type=RenderRequest)
        _extend_cpu_limit(cpu_s_max)
        connection.send(msgspec.msgpack.encode(_render(request, connection, render, file_bytes_max)))


def _render(
    request: RenderRequest,
    connection: ParentConnection,
    render: Callable[[bytes, RenderRequest], RenderedThumbnail],
    file_bytes_max: int,
) -> RenderResult:
    data = bytearray()
    while chunk := connection.receive():
        if len(data) + len(chunk) <= file_bytes_max:
            data += chunk
    if chunk is None:
        raise SystemExit(1)
    try:
        return RenderResult(thumbnail=render(bytes(data), request))
    except UnreadableError as exc:
        return RenderResult(error=str(exc))
    except MemoryError:
        return RenderResult(error="Decoding it takes more memory than a thumbnail may use.")
    except Exception as exc:  # noqa: BLE001 - decoders raise anything on untrusted bytes
        return RenderResult(error=f"It can't be decoded: {exc or type(exc).__name__}"[:300])


def _close_inherited_files() -> None:
    """Close all files but stdin, stdout and stderr: the parent's libraries may have left some open."""
    # Not os.closerange: without the system call close_range it takes minutes where the limit of open files is high.
    with suppress(FileNotFoundError):
        for number in [int(path.name) for path in Path("/dev/fd").iterdir()]:
            if number > 2:  # noqa: PLR2004 - stderr
                with suppress(OSError):
                    os.close(number)


def _discard_output() -> None:
    """Send what decoders print to /dev/null."""
    devnull = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(devnull, number)


def _limit_process(memory_bytes_max: int) -> None:
    with suppress(OSError, AttributeError):
        os.nice(NICENESS)
    if sys.platform == "linux":
        # When the machine runs out of memory, the kernel kills this process before the gateway.
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")
    with suppress(ImportError):
        import resource  # noqa: PLC0415 - Windows has none

        for kind, limit in (
            (resource.RLIMIT_AS, memory_bytes_max),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_FSIZE, 0),
        ):
            resource.setrlimit(kind, (limit, limit))


def _restrict() -> bytes:
    """Give up all that a decoder does not need. Return why system calls are not restricted, or nothing."""
    for encoding in _ENCODINGS:
        codecs.lookup(encoding)
    forbid_inspection()
    try:
        restrict_system_calls()
    except OSError as exc:
        return str(exc.strerror).encode()
    return b""


def _extend_cpu_limit(cpu_s: int) -> None:
    """Allow `cpu_s` more seconds of CPU time; after that the kernel ends the process."""
    with suppress(ImportError):
        import resource  # noqa: PLC0415 - Windows has none

        used = resource.getrusage(resource.RUSAGE_SELF)
        _, hard_limit = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + cpu_s, hard_limit))


if __name__ == "__main__":
    main()

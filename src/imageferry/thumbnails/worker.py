"""A process that decodes pictures of strangers: bounded, without secrets, and nobody's loss when it dies."""

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec
import pi_heif
from PIL import Image

from imageferry.thumbnails.protocol import FRAME_BYTES_MAX, LENGTH, Answer, Order, UnreadableError
from imageferry.thumbnails.render import draw

NICENESS = 5
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Draw what is ordered on stdin until it ends.

    As `python -m imageferry.thumbnails.worker MEMORY_BYTES CPU_S FILE_BYTES`: what it may take in all, for one picture,
    and for one file.
    """
    memory_bytes, cpu_s, file_bytes = map(int, sys.argv[1:4])
    orders, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    _silence()
    pi_heif.options.DECODE_THREADS = 1
    Image.init()
    _bound(memory_bytes)
    _say(answers, b"")  # what fails from here on is a picture's fault
    while frame := _frame(orders):
        order = msgspec.msgpack.decode(frame, type=Order)
        _allow_cpu(cpu_s)
        _say(answers, msgspec.msgpack.encode(_carried_out(order, orders, file_bytes=file_bytes)))


def _carried_out(order: Order, orders: BinaryIO, *, file_bytes: int) -> Answer:
    data = bytearray()
    while chunk := _frame(orders):
        if len(data) + len(chunk) <= file_bytes:
            data += chunk
    try:
        return Answer(drawn=draw(bytes(data), order))
    except UnreadableError as exc:
        return Answer(why_not=str(exc))
    except MemoryError:
        return Answer(why_not="It takes more memory than a thumbnail may.")
    except Exception as exc:  # noqa: BLE001 - decoders of strangers' bytes raise anything
        return Answer(why_not=f"It cannot be decoded: {exc or type(exc).__name__}"[:300])


def _frame(stream: BinaryIO) -> bytes:
    """The next frame; nothing at the stream's end."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return b""
    (size_bytes,) = LENGTH.unpack(head)
    if size_bytes > FRAME_BYTES_MAX:
        raise SystemExit(1)
    return stream.read(size_bytes)


def _say(stream: BinaryIO, frame: bytes) -> None:
    stream.write(LENGTH.pack(len(frame)) + frame)
    stream.flush()


def _silence() -> None:
    """What decoders print goes nowhere, and least of all among the answers."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)


def _bound(memory_bytes: int) -> None:
    with suppress(OSError, AttributeError):
        os.nice(NICENESS)
    if sys.platform == "linux":
        # When memory runs out for all, it is us that the kernel ends, and not the gateway.
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")
        # Who is killed with us in the middle of a picture would not notice before its end.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    with suppress(ImportError):
        import resource  # noqa: PLC0415 - Windows has none

        for kind, most in (
            (resource.RLIMIT_AS, memory_bytes),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_FSIZE, 0),
        ):
            resource.setrlimit(kind, (most, most))


def _allow_cpu(cpu_s: int) -> None:
    """Time for one picture more; when it is over, the kernel ends the process."""
    with suppress(ImportError):
        import resource  # noqa: PLC0415 - Windows has none

        used = resource.getrusage(resource.RUSAGE_SELF)
        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + cpu_s, most))


if __name__ == "__main__":
    main()

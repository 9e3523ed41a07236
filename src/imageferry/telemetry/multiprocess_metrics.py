"""Metrics of a worker whose children each write their own: a folder of files that the parent reads."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from prometheus_client import CollectorRegistry, Gauge, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

from imageferry.telemetry.metrics import Metrics

_PREFIX = "imageferry-metrics-"
_LOCK = "in-use.lock"


@contextmanager
def metrics_folder() -> Iterator[Path]:
    """A temporary folder for the children's metrics; removed at the end, or by the next worker after a kill."""
    _remove_those_of_nobody()
    # Under a name that no other worker looks for, until the lock shows that it is somebody's.
    begun = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}"))
    # Children inherit it with the fork: it ends with the last of them.
    lock = FileLock(begun / _LOCK)
    lock.acquire()
    folder = begun.rename(begun.with_name(begun.name.removeprefix(".")))
    try:
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def metrics_of_child(folder: Path, *, seat: int) -> Metrics:
    """The metrics of a child, in a file by its seat: one that replaces another counts on from where that ended."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    values.ValueClass = values.MultiProcessValue(lambda: seat)  # type: ignore[no-untyped-call] # the library's
    metrics = Metrics()
    metrics.start_anew()
    return metrics


def exposition(folder: Path, *, queued: Mapping[str, int]) -> bytes:
    """What Prometheus reads: all children's metrics, and how many messages wait in each queue."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call] # the library's
    # This process has its own kind of values: it writes to none of the children's files.
    waiting = Gauge("imageferry_queued", "Messages that wait in the broker.", ["queue"], registry=registry)
    for queue, messages in queued.items():
        waiting.labels(queue).set(messages)
    return generate_latest(registry)


def _remove_those_of_nobody() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            with FileLock(folder / _LOCK, blocking=False):
                shutil.rmtree(folder, ignore_errors=True)
        except (Timeout, OSError):
            continue  # it is in use, or another user's

"""Metrics of a worker with several processes: each writes a file, and the worker reads the folder of them."""

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
    """Create a temporary folder for metrics; removed at the end, or by the next worker if this one is killed."""
    _remove_abandoned_folders()
    # Under a name that other workers do not search for, until the lock shows that it is in use.
    new = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}"))
    # Forked processes inherit the lock: it is held until the last of them ends.
    lock = FileLock(new / _LOCK)
    lock.acquire()
    folder = new.rename(new.with_name(new.name.removeprefix(".")))
    try:
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def metrics_of_slot(folder: Path, *, slot: int) -> Metrics:
    """Return the metrics of the process in a slot. A replacement continues the counts in the file of its slot."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    values.ValueClass = values.MultiProcessValue(lambda: slot)  # type: ignore[no-untyped-call] # the library has no types
    metrics = Metrics()
    metrics.reset_in_progress()
    return metrics


def exposition(folder: Path, *, queue_messages: Mapping[str, int]) -> bytes:
    """Return the metrics of all processes and the lengths of the queues, in the text format of Prometheus."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call] # the library has no types
    # The value class of this process is the default one: it writes to no file.
    waiting = Gauge("imageferry_queue_messages", "Messages waiting in the broker.", ["queue"], registry=registry)
    for queue, messages in queue_messages.items():
        waiting.labels(queue).set(messages)
    return generate_latest(registry)


def _remove_abandoned_folders() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            with FileLock(folder / _LOCK, blocking=False):
                shutil.rmtree(folder, ignore_errors=True)
        except (Timeout, OSError):
            continue  # it is in use, or belongs to another user

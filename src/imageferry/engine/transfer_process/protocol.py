"""The messages between the local engine and a transfer process, as MessagePack in frames."""

from typing import Any

import msgspec

from imageferry.model import Record, Transfer


class Command(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A message to a transfer process. Its configuration is sent before the first one."""

    number: int = 0
    transfer: Transfer | None = None  # to be carried out, with `number` as its id in replies
    stop_job_id: str | None = None  # start no more files of this job, let those in progress finish
    abort_job_id: str | None = None  # cancel the downloads of this job


class Reply(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A message from a transfer process."""

    number: int = 0
    record: Record | None = None  # of the transfer `number`, whose last has `is_final`. None: the process is ready
    metrics: Any = None  # source calls counted since the last reply, see telemetry/metrics_relay.py; None: none


def encode(message: object) -> bytes:
    """Return a message as MessagePack, with paths as text."""
    return msgspec.msgpack.encode(message, enc_hook=str)

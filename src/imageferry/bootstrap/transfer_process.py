"""The program of a transfer process; see engine/transfer_process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from imageferry.bootstrap.transfer_process_config import TransferProcessConfig
from imageferry.engine.base import Stage
from imageferry.engine.transfer_process.worker import ignore_interrupts, serve, set_title
from imageferry.errors import ImageferryError
from imageferry.model import Record, Transfer
from imageferry.pipeline.transfer.limits import TransferLimits
from imageferry.pipeline.transfer.stage import transfer
from imageferry.runtime import forbid_inspection, loop_factory, resume_gc, retain_freed_memory
from imageferry.subprocess_protocol.heartbeat import FILE_NUMBER, Heartbeat
from imageferry.subprocess_protocol.parent_connection import ParentConnection
from imageferry.subprocess_protocol.parent_death import end_with_parent
from imageferry.telemetry.instrument import Instrument, LogContext, instrument_stages
from imageferry.telemetry.logs import configure_logging
from imageferry.telemetry.metrics_relay import MetricsRecorder


def main() -> None:
    """Receive the configuration from the parent, then carry out its transfers until it closes the connection."""
    end_with_parent()
    ignore_interrupts()
    resume_gc()
    retain_freed_memory()
    set_title()
    forbid_inspection()
    connection, heartbeat = ParentConnection(), Heartbeat(FILE_NUMBER)
    if (body := connection.receive()) is None:
        return
    config = msgspec.msgpack.decode(body, type=TransferProcessConfig, dec_hook=_decode_path)
    configure_logging(level=config.log_level, form=config.log_format)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(connection, config, heartbeat))


async def _serve(connection: ParentConnection, config: TransferProcessConfig, heartbeat: Heartbeat) -> None:
    recorder = MetricsRecorder()
    instruments: list[Instrument] = [LogContext(), recorder] if config.has_metrics else [LogContext()]
    limits = TransferLimits(files_at_once=config.files_at_once, bytes_at_once=config.bytes_at_once, heartbeat=heartbeat)
    async with AsyncExitStack() as exit_stack:
        sources = await exit_stack.enter_async_context(config.external.open_sources(instruments=instruments))
        try:
            store = await exit_stack.enter_async_context(config.external.open_store())
            interval_s = config.heartbeat_interval_s
            stage: Stage = partial(
                transfer, sources=sources, store=store, limits=limits, heartbeat_interval_s=interval_s
            )
        except ImageferryError as exc:
            # The parent process opens the same store, and reports why it can't be opened.
            stage = partial(_block_transfer, error=exc)
        stages = instrument_stages({Transfer: stage}, instruments)
        await serve(connection, transfer=stages[Transfer], limits=limits, take_metrics=recorder.take)


async def _block_transfer(message: Transfer, *, error: ImageferryError) -> AsyncIterator[Record]:
    yield message.empty_final_record(blocked_reason=error.reason, blocked_detail=error.message)


def _decode_path(kind: type, value: Any) -> Any:  # noqa: ANN401 - msgspec's signature of a dec_hook
    if kind is Path:
        return Path(value)
    raise NotImplementedError

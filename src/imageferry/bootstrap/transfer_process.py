"""What the process runs that moves bytes for a local engine."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from imageferry.bootstrap.transfer_process_config import Outfit
from imageferry.engine.base import Stage
from imageferry.engine.transfer_process.worker import Pipes, serve, set_title
from imageferry.errors import ImageferryError
from imageferry.model import Record, Transfer
from imageferry.pipeline.transfer.limits import Bounds
from imageferry.pipeline.transfer.stage import transfer
from imageferry.runtime import keep_memory, keep_what_is_here, loop_factory
from imageferry.telemetry.instrument import LogWatch, Watch, watched
from imageferry.telemetry.logs import configure_logging
from imageferry.telemetry.metrics_relay import TallyWatch


def main() -> None:
    """Take the outfit from stdin, then transfers, until it ends."""
    keep_what_is_here()
    keep_memory()
    set_title()
    pipes = Pipes()
    if (given := pipes.read()) is None:
        return
    outfit = msgspec.msgpack.decode(given, type=Outfit, dec_hook=_path)
    configure_logging(level=outfit.log_level, form=outfit.log_format)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(pipes, outfit))


async def _serve(pipes: Pipes, outfit: Outfit) -> None:
    tally = TallyWatch()
    watches: list[Watch] = [LogWatch(), tally] if outfit.metered else [LogWatch()]
    bounds = Bounds(files_at_once=outfit.files_at_once, bytes_at_once=outfit.bytes_at_once)
    async with AsyncExitStack() as parts:
        sources = await parts.enter_async_context(outfit.outside.sources(watches=watches))
        try:
            store = await parts.enter_async_context(outfit.outside.opened_store())
            stage: Stage = partial(
                transfer, sources=sources, store=store, bounds=bounds, sign_of_life_s=outfit.sign_of_life_s
            )
        except ImageferryError as exc:
            # Whoever started us has opened it, or is about to say why not.
            stage = partial(_nothing_can_be_brought, error=exc)
        seen = watched({Transfer: stage}, watches)
        await serve(pipes, transfer=seen[Transfer], halts=bounds.halts, seen=tally.take)


async def _nothing_can_be_brought(message: Transfer, *, error: ImageferryError) -> AsyncIterator[Record]:
    yield message.given_back(blocked=error.reason, detail=error.message)


def _path(kind: type, value: Any) -> Any:  # noqa: ANN401 - as msgspec has it
    if kind is Path:
        return Path(value)
    raise NotImplementedError

"""The record stage: what became of files, into the catalog; and credit for the next ones."""

from collections.abc import AsyncIterator

from imageferry.model import Crawl, Record, Transfer
from imageferry.pipeline.record.outcome_writer import Finish


async def record(message: Record, *, finish: Finish) -> AsyncIterator[Crawl | Transfer]:
    """Write the outcomes; what follows is all that the job may begin now."""
    for following in await finish.write(message):
        yield following

"""The record stage: writes the outcomes of transfers to the catalog, which returns the credit of finished batches."""

from collections.abc import AsyncIterator

from imageferry.model import Crawl, Record, Transfer
from imageferry.pipeline.record.outcome_writer import OutcomeWriter


async def record(message: Record, *, outcome_writer: OutcomeWriter) -> AsyncIterator[Crawl | Transfer]:
    """Write outcomes. Yield the messages that the job may send now."""
    for next_message in await outcome_writer.write(message):
        yield next_message

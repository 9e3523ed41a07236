"""Receipts, beyond what the commands and the gateway show of them."""

import pytest

from imageferry.catalog.manifest import Read, receipt
from imageferry.errors import Reason, TransientError


@pytest.mark.parametrize("as_csv", [True, False])
async def test_a_catalog_that_is_away_is_told_before_anything_is_written(*, as_csv: bool) -> None:
    async def away(_: object) -> list[object]:
        raise TransientError(Reason.CATALOG_UNAVAILABLE, "away")

    read: Read = away  # type: ignore[assignment]
    with pytest.raises(TransientError, match="away"):
        await anext(receipt(read, job_id="a", as_csv=as_csv))


@pytest.mark.parametrize(("as_csv", "lines"), [(True, 1), (False, 0)])
async def test_a_receipt_of_no_file_has_a_heading_where_there_is_one(*, as_csv: bool, lines: int) -> None:
    async def nothing(_: object) -> list[object]:
        return []

    read: Read = nothing  # type: ignore[assignment]
    written = b"".join([chunk async for chunk in receipt(read, job_id="a", as_csv=as_csv)])
    assert written.count(b"\n") == lines

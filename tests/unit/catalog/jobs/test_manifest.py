"""Receipts, beyond what the commands and the gateway show of them."""

from typing import Any, NoReturn

import pytest

from imageferry.catalog.jobs.manifest import receipt
from imageferry.errors import Reason, TransientError


class Away:
    async def read(self, _: object) -> NoReturn:
        raise TransientError(Reason.CATALOG_UNAVAILABLE, "away")

    write = read


class Empty:
    async def read(self, _: object) -> Any:  # noqa: ANN401 - the answer of any query
        return []

    write = read


@pytest.mark.parametrize("as_csv", [True, False])
async def test_a_catalog_that_is_away_is_told_before_anything_is_written(*, as_csv: bool) -> None:
    with pytest.raises(TransientError, match="away"):
        await anext(receipt(Away(), job_id="a", as_csv=as_csv))


@pytest.mark.parametrize(("as_csv", "lines"), [(True, 1), (False, 0)])
async def test_a_receipt_of_no_file_has_a_heading_where_there_is_one(*, as_csv: bool, lines: int) -> None:
    written = b"".join([chunk async for chunk in receipt(Empty(), job_id="a", as_csv=as_csv)])
    assert written.count(b"\n") == lines

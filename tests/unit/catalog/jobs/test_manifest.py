"""Manifests, beyond what the tests of the commands and the gateway cover."""

from typing import Any, NoReturn

import pytest

from imageferry.catalog.jobs.manifest import stream_manifest
from imageferry.errors import Reason, TransientError


class UnavailableCatalog:
    async def read(self, _: object) -> NoReturn:
        raise TransientError(Reason.CATALOG_UNAVAILABLE, "unavailable")

    write = read


class EmptyCatalog:
    async def read(self, _: object) -> Any:  # noqa: ANN401 - the result of any query
        return []

    write = read


@pytest.mark.parametrize("as_csv", [True, False])
async def test_an_unavailable_catalog_raises_before_anything_is_written(*, as_csv: bool) -> None:
    with pytest.raises(TransientError, match="unavailable"):
        await anext(stream_manifest(UnavailableCatalog(), job_id="a", as_csv=as_csv))


@pytest.mark.parametrize(("as_csv", "lines"), [(True, 1), (False, 0)])
async def test_an_empty_manifest_has_a_header_in_csv_only(*, as_csv: bool, lines: int) -> None:
    written = b"".join([chunk async for chunk in stream_manifest(EmptyCatalog(), job_id="a", as_csv=as_csv)])
    assert written.count(b"\n") == lines

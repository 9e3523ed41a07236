"""The URL of a catalog, before any connection is made."""

import pytest

from imageferry.catalog.database.connection import Catalog
from imageferry.errors import FatalError, Reason


@pytest.mark.parametrize("url", ["nonsense", "oracle9://host/name", "postgresql://user:word@host:port/name"])
def test_an_invalid_url_is_rejected_with_an_explanation(url: str) -> None:
    with pytest.raises(FatalError, match="DATABASE_URL is not a database URL") as raised:
        Catalog(url)
    assert raised.value.reason is Reason.MISCONFIGURED
